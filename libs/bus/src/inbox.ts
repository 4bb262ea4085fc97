import { createInbox } from '@nats-io/transport-node';
import type { Msg, MsgHdrs, Subscription } from '@nats-io/transport-node';
import { atEndOfTurn, createInFlight } from '@pushmesh/async';
import type { NatsLink } from './nats-link.ts';

/** How a request ended. */
export type RequestOutcome =
  | { readonly type: 'reply'; readonly msg: Msg }
  /** Nobody listens on the subject. */
  | { readonly type: 'no-responders' }
  | { readonly type: 'timeout' }
  | { readonly type: 'disconnected' }
  /** Too many requests of this process wait for a reply. */
  | { readonly type: 'full' }
  /** The client refused to send it. */
  | { readonly type: 'unsendable'; readonly why: string };

export type Inbox = {
  /** `encode` is called when the message leaves, at the end of this turn; never if there is no connection. */
  request(subject: string, encode: () => Uint8Array, headers?: MsgHdrs): Promise<RequestOutcome>;
  close(): void;
};

type Waiting = { key: string; readonly deadline: number; readonly resolve: (outcome: RequestOutcome) => void };

type Limits = { readonly timeoutMs: number; readonly maxInFlight: number };

const sweepMs = 250;

/**
 * Request/reply with many requests in flight: one subscription takes all replies, and one timer watches all deadlines.
 * The client's own `request` costs several times the CPU: a timer, and two errors with their stacks, for each request.
 */
export const openInbox = (link: NatsLink, { timeoutMs, maxInFlight }: Limits): Inbox => {
  const inFlight = createInFlight<Waiting>(sweepMs, ({ resolve }) => resolve({ type: 'timeout' }));
  let inbox = '';
  let replies: Subscription | undefined;
  let counter = 0;

  /** A key is `slot-number`. The number tells a late reply from the reply to the request that has the slot now. */
  const settle = (key: string, outcome: RequestOutcome): void => {
    const slot = Number.parseInt(key, 36);
    const entry = inFlight.at(slot);
    if (entry?.key !== key) return;
    inFlight.free(slot);
    entry.resolve(outcome);
  };

  const onReply = (msg: Msg): void => {
    const key = msg.subject.slice(inbox.length + 1);
    settle(key, msg.headers?.code === 503 ? { type: 'no-responders' } : { type: 'reply', msg });
  };

  link.onReady((nats) => {
    if (replies && !replies.isClosed()) return;
    inbox = createInbox();
    replies = nats.subscribe(`${inbox}.*`, {
      callback: (error, msg) => {
        if (!error) onReply(msg);
      },
    });
  });
  link.onLost(() => inFlight.forEach(({ key }) => settle(key, { type: 'disconnected' })));

  return {
    request: (subject, encode, headers) => {
      const nats = link.current();
      if (!nats || !replies) return Promise.resolve({ type: 'disconnected' });
      if (inFlight.size() >= maxInFlight) return Promise.resolve({ type: 'full' });
      return new Promise((resolve) => {
        counter += 1;
        const entry: Waiting = { key: '', deadline: performance.now() + timeoutMs, resolve };
        const slot = inFlight.add(entry);
        const key = (entry.key = `${slot.toString(36)}-${counter.toString(36)}`);
        const send = (): void => {
          // The connection may have been lost since.
          if (inFlight.at(slot) !== entry) return;
          nats.publish(subject, encode(), { reply: `${inbox}.${key}`, ...(headers && { headers }) });
        };
        // The message is larger than the server accepts, or the connection was closed at this very moment.
        const failed = (error: unknown): void => settle(key, { type: 'unsendable', why: (error as Error).message });
        atEndOfTurn(send, failed);
      });
    },
    close: inFlight.stop,
  };
};
