import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const pauseMs = 50;
const answerTimeoutMs = 2000;

/** Retries `attempt` until it succeeds. Gives up at the deadline, or as soon as `failure` reports why it never will. */
export const retryUntil = async (
  deadlineMs: number,
  attempt: () => Promise<void>,
  failure: () => Promise<string | undefined>,
): Promise<void> => {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    const why = await failure();
    if (why !== undefined) throw new Error(why);
    try {
      return await attempt();
    } catch (cause) {
      if (performance.now() < giveUpAt) await sleep(pauseMs);
      else
        throw new Error(`no valid answer within ${deadlineMs / 1000} s; the last attempt failed with: ${cause}`, {
          cause,
        });
    }
  }
};

/** Connects to a port on this machine, sends `request` and resolves with the answer once it matches `expected`. */
export const exchange = (port: number, request: string, expected: RegExp, host = '127.0.0.1'): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, timeout: answerTimeoutMs });
    let received = '';
    const fail = (reason: string) => {
      socket.destroy();
      reject(new Error(`expected ${expected} from ${host}:${port}, got ${JSON.stringify(received)}, then ${reason}`));
    };
    socket.setEncoding('utf8').on('data', (text: string) => {
      received += text;
      if (!expected.test(received)) return;
      socket.destroy();
      resolve(received);
    });
    socket.on('connect', () => socket.write(request));
    socket.on('error', ({ message }) => fail(message));
    socket.on('timeout', () => fail('a timeout'));
    socket.on('end', () => fail('the end of the connection'));
  });
