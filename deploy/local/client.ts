import { client, xml } from '@xmpp/client';
import type { Element } from 'ltx';

export type Account = {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  /** Bare JID of the account. */
  readonly jid: string;
  readonly password: string;
};

/** An ordinary XMPP client, as it runs on a phone or a desktop. */
export type Client = {
  /** Sends an IQ and returns the reply, errors included. */
  iq(type: 'get' | 'set', to: string | undefined, payload: Element): Promise<Element>;
  message(to: string, body: string): Promise<void>;
  /** Closes the session: the account is then offline unless it has another session. */
  close(): Promise<void>;
};

const replyMs = 20_000;
/**
 * @xmpp/client counts stanzas that it sends before the server has enabled stream management (XEP-0198), and then
 * Prosody closes the stream because of the wrong count.
 */
const settleMs = 400;

/** Logs in, over plain TCP, and becomes available. */
export const connectClient = async (
  { host, port, domain, jid, password }: Account,
  resource: string,
): Promise<Client> => {
  const connection = client({
    service: `xmpp://${host}:${port}`,
    domain,
    // PLAIN, over loopback: the library's SCRAM takes two seconds for Prosody's 10,000 iterations.
    credentials: (authenticate) => authenticate({ username: jid.slice(0, jid.indexOf('@')), password }, 'PLAIN'),
    resource,
  });
  connection.reconnect.stop();
  // Without a listener an error would end the process; the affected request fails anyway.
  connection.on('error', () => {});
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => {}); // it may be rejected while nothing awaits it
  connection.on('disconnect', () =>
    lost.reject(new Error(`the XMPP server at ${host}:${port} ended the connection; is it still running?`)),
  );
  // After a disconnect the library waits for ever, or writes to a socket that is null.
  const unlessLost = <T>(pending: Promise<T>): Promise<T> => Promise.race([lost.promise, pending]);
  await unlessLost(connection.start()).catch((error: Error) => {
    throw new Error(`${jid} cannot log in at ${host}:${port}: ${error.message}`, { cause: error });
  });
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  await unlessLost(connection.send(xml('presence')));

  return {
    iq: (type, to, payload) =>
      unlessLost(
        connection.iqCaller.request(xml('iq', { type, ...(to !== undefined && { to }) }, payload), replyMs),
      ).catch((error: Error & { element?: Element }) => {
        // The library rejects with the <error/> element; its parent is the reply.
        const reply = error.element?.parent;
        if (reply) return reply;
        if (error.name === 'TimeoutError') throw new Error(`no reply within ${replyMs / 1000} s`, { cause: error });
        throw error;
      }),
    message: (to, body) => unlessLost(connection.send(xml('message', { to, type: 'chat' }, xml('body', {}, body)))),
    close: async () => {
      await connection.stop();
    },
  };
};
