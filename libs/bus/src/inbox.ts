import { createInbox } from '@nats-io/transport-node';
import type { Msg, MsgHdrs, Subscription } from '@nats-io/transport-node';
import type { Connection } from './connection.ts';
import { atEndOfTurn } from './end-of-turn.ts';
import { createSlots } from './slots.ts';

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

/** `deadline` is in the milliseconds of `performance.now()`: the clock of the machine may be set meanwhile. */
type Waiting = { readonly key: string; readonly deadline: number; readonly resolve: (asked: Asked) => void };

const sweepMs = 250;

/**
 * Asks with many questions in flight: one inbox takes all answers and one timer watches all deadlines. A request of the
 * client’s own costs several times the CPU (a timer, and two errors with their stacks, for each).
 */
export const openInbox = (connection: Connection, limits: { timeoutMs: number; maxInFlight: number }) => {
  const waiting = createSlots<Waiting>();
  let inbox = '';
  let answers: Subscription | undefined;
  let counter = 0;

  /** A key is `place-number`; the number tells a late answer from the one that is waited for at that place now. */
  const settle = (key: string, asked: Asked): void => {
    const place = Number.parseInt(key, 36);
    const entry = waiting.at(place);
    if (entry?.key !== key) return;
    waiting.free(place);
    entry.resolve(asked);
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
    for (const { key } of waiting.all()) settle(key, { type: 'disconnected' });
  });
  const sweep = setInterval(() => {
    const now = performance.now();
    for (const { key, deadline } of waiting.all()) if (deadline <= now) settle(key, { type: 'timeout' });
  }, sweepMs);
  sweep.unref();

  return {
    /** `encode` is called when the message leaves, at the end of this turn; never if there is no connection. */
    ask: (subject: string, encode: () => Uint8Array, headers?: MsgHdrs): Promise<Asked> => {
      const nats = connection.current();
      if (!nats || !answers) return Promise.resolve({ type: 'disconnected' });
      if (waiting.size() >= limits.maxInFlight) return Promise.resolve({ type: 'full' });
      return new Promise((resolve) => {
        counter += 1;
        const entry = { key: '', deadline: performance.now() + limits.timeoutMs, resolve };
        const place = waiting.add(entry);
        const key = (entry.key = `${place.toString(36)}-${counter.toString(36)}`);
        const send = (): void => {
          // The connection may have been lost since.
          if (waiting.at(place) !== entry) return;
          nats.publish(subject, encode(), { reply: `${inbox}.${key}`, ...(headers && { headers }) });
        };
        // Larger than the server takes, or the connection closed this very moment.
        const failed = (error: unknown): void => settle(key, { type: 'unsendable', why: (error as Error).message });
        atEndOfTurn(send, failed);
      });
    },
    close: () => clearInterval(sweep),
  };
};
