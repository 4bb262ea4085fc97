import type { Element } from './xml.ts';

/** What became of an IQ request of ours. */
export type Reply =
  | { readonly type: 'result' | 'error'; readonly stanza: Element }
  /** No answer in time, or the stream ended first: the other side may have acted all the same. */
  | { readonly type: 'timeout' | 'disconnected' }
  /** Not sent: no stream, too many requests waiting, or not a request that may be sent. */
  | { readonly type: 'offline' | 'busy' | 'invalid' };

export type Requests = {
  isFull(): boolean;
  /** The reply to a request that was just sent to `to` under this id. */
  expect(id: string, to: string, timeoutMs: number): Promise<Reply>;
  /** Takes a reply that one of the requests waits for; false for every other stanza. */
  settle(stanza: Element): boolean;
  /** The stream is gone, and no reply can come any more. */
  disconnect(): void;
};

/** The IQ requests of ours that wait for a reply, at most `limit` of them. */
export const createRequests = (limit: number): Requests => {
  type Waiting = { readonly to: string; readonly settle: (reply: Reply) => void };
  const waiting = new Map<string, Waiting>();

  return {
    isFull: () => waiting.size >= limit,

    expect: (id, to, timeoutMs) =>
      new Promise((resolve) => {
        const settle = (reply: Reply) => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(reply);
        };
        const timer = setTimeout(() => settle({ type: 'timeout' }), timeoutMs);
        waiting.set(id, { to, settle });
      }),

    settle(stanza) {
      const { id, type, from } = stanza.attrs;
      if (stanza.name !== 'iq' || (type !== 'result' && type !== 'error')) return false;
      const request = waiting.get(id);
      // RFC 6120 §8.2.3: an id alone can be guessed by anybody who may write to us.
      if (!request || !isSameAddress(request.to, from)) return false;
      request.settle({ type, stanza });
      return true;
    },

    disconnect() {
      for (const { settle } of waiting.values()) settle({ type: 'disconnected' });
    },
  };
};

/** Servers send the account and the domain back in lower case (RFC 7622 §3.2 and §3.3), the resource as it was. */
const isSameAddress = (to: string, from: string | undefined): boolean =>
  from !== undefined && lowerCaseBare(to) === lowerCaseBare(from);

const lowerCaseBare = (address: string): string => {
  const slash = address.indexOf('/');
  return slash < 0 ? address.toLowerCase() : address.slice(0, slash).toLowerCase() + address.slice(slash);
};
