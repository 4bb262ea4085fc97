import { createInbox } from '@nats-io/transport-node';
import type { Msg, MsgHdrs, Subscription } from '@nats-io/transport-node';
import type { Connection } from './connection.ts';
import { atEndOfTurn } from './end-of-turn.ts';

/** What came of a message that asks for an answer. */
export type Asked =
  | { readonly type: 'answer'; readonly msg: Msg }
  /** Nobody listens on the subject. */
  | { readonly type: 'no-responders' }
  | { readonly type: 'timeout' }
  | { readonly type: 'disconnected' }
  /** Too many messages of this process wait for their answer. */
  | { readonly type: 'full' }
  /** The client would not send it. */
  | { readonly type: 'unsendable'; readonly why: string };

type Waiting = { readonly resolve: (asked: Asked) => void; readonly deadline: number };

const sweepMs = 250;

/**
 * Asks with many questions in flight: one inbox takes all answers and one timer watches all deadlines. A request of the
 * client’s own costs several times the CPU (a timer, and two errors with their stacks, for each).
 */
export const openInbox = (connection: Connection, limits: { timeoutMs: number; maxInFlight: number }) => {
  const waiting = new Map<string, Waiting>();
  let inbox = '';
  let answers: Subscription | undefined;
  let counter = 0;

  const settle = (key: string, asked: Asked): void => {
    const entry = waiting.get(key);
    waiting.delete(key);
    entry?.resolve(asked);
  };

  connection.onReady((nats) => {
    if (answers && !answers.isClosed()) return;
    inbox = createInbox();
    answers = nats.subscribe(`${inbox}.*`, {
      callback: (error, msg) => {
        if (error) return;
        const key = msg.subject.slice(inbox.length + 1);
        settle(key, msg.headers?.code === 503 ? { type: 'no-responders' } : { type: 'answer', msg });
      },
    });
  });
  connection.onLost(() => {
    for (const key of waiting.keys()) settle(key, { type: 'disconnected' });
  });
  const sweep = setInterval(() => {
    const now = Date.now();
    for (const [key, { deadline }] of waiting) {
      // Deadlines are in the order of insertion, so the first that is not due ends the sweep.
      if (deadline > now) return;
      settle(key, { type: 'timeout' });
    }
  }, sweepMs);
  sweep.unref();

  return {
    /** `encode` is called when the message leaves, at the end of this turn; never if there is no connection. */
    ask: (subject: string, encode: () => Uint8Array, headers?: MsgHdrs): Promise<Asked> => {
      const nats = connection.current();
      if (!nats || !answers) return Promise.resolve({ type: 'disconnected' });
      if (waiting.size >= limits.maxInFlight) return Promise.resolve({ type: 'full' });
      counter += 1;
      const key = counter.toString(36);
      const send = (): void => {
        // The connection may have been lost since.
        if (waiting.has(key))
          nats.publish(subject, encode(), { reply: `${inbox}.${key}`, ...(headers && { headers }) });
      };
      // Larger than the server takes, or the connection closed this very moment.
      const failed = (error: unknown): void => settle(key, { type: 'unsendable', why: (error as Error).message });
      return new Promise((resolve) => {
        waiting.set(key, { resolve, deadline: Date.now() + limits.timeoutMs });
        atEndOfTurn(send, failed);
      });
    },
    close: () => clearInterval(sweep),
  };
};
