import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const pause = 50;
const patience = 2000;

/** Tries until it succeeds. Gives up at the deadline, or as soon as there is trouble that time will not heal. */
export const retryUntil = async (
  deadline: number,
  attempt: () => Promise<void>,
  trouble: () => Promise<string | undefined>,
): Promise<void> => {
  const giveUpAt = performance.now() + deadline;
  for (;;) {
    const hopeless = await trouble();
    if (hopeless !== undefined) throw new Error(hopeless);
    try {
      return await attempt();
    } catch (cause) {
      if (performance.now() < giveUpAt) await sleep(pause);
      else
        throw new Error(`no right answer within ${deadline / 1000} s, the last attempt ended in: ${cause}`, { cause });
    }
  }
};

/** Connects to a port on this machine, says something and resolves with what came, once it matches. */
export const converse = (port: number, words: string, expected: RegExp, host = '127.0.0.1'): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, timeout: patience });
    let heard = '';
    const fail = (reason: string) => {
      socket.destroy();
      reject(new Error(`expected ${expected} from ${host}:${port}, got ${JSON.stringify(heard)}, then ${reason}`));
    };
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
      if (!expected.test(heard)) return;
      socket.destroy();
      resolve(heard);
    });
    socket.on('connect', () => socket.write(words));
    socket.on('error', ({ message }) => fail(message));
    socket.on('timeout', () => fail('silence'));
    socket.on('end', () => fail('the end of the connection'));
  });
