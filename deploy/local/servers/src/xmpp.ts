import { exchange } from './probe.ts';
import type { RunningServer, StartOptions } from './server.ts';

/** The options for starting either XMPP server. */
export type XmppServerOptions = StartOptions & {
  /** The server's own domain. Default: `localhost`. */
  readonly domain?: string;
  /** Accounts on that domain; existing ones keep their data and get this password. */
  readonly users?: readonly { readonly name: string; readonly password: string }[];
  /** External components (XEP-0114) that may connect. */
  readonly components: readonly { readonly name: string; readonly secret: string }[];
  /** Preferred ports; if one is absent or in use, any free port is taken. */
  readonly ports?: { readonly c2s?: number; readonly component?: number };
  /** Whether the server's own push module (XEP-0357) runs. Default: yes. */
  readonly push?: boolean;
  /** Whether that module passes on the real sender and body of a message instead of a placeholder. Default: yes. */
  readonly pushContent?: boolean;
  /** How long a broken connection can be resumed (XEP-0198), in seconds. Default: 60. */
  readonly resumeSeconds?: number;
  /** How long a connection may leave stanzas unacknowledged (XEP-0198), in seconds. Default: the server's own. */
  readonly ackSeconds?: number;
};

/** An XMPP server that accepts clients and components, without TLS, on loopback. */
export type RunningXmppServer = RunningServer & {
  readonly host: string;
  readonly domain: string;
  readonly c2sPort: number;
  readonly componentPort: number;
};

/**
 * Resolves if the server opens a stream for clients and one for each component. The handshake is left out: some modules
 * of Prosody query a component only the first time it connects, and that must not be this probe.
 */
export const opensStreams = async (
  domain: string,
  components: XmppServerOptions['components'],
  ports: { readonly c2s: number; readonly component: number },
): Promise<void> => {
  await exchange(ports.c2s, streamHeader('jabber:client', domain), /<stream:features/);
  for (const { name } of components) {
    await exchange(
      ports.component,
      streamHeader('jabber:component:accept', name),
      /<stream:stream[^>]*\sid=(['"])[^'"]+\1/,
    );
  }
};

const streamHeader = (namespace: string, to: string): string =>
  `<?xml version='1.0'?><stream:stream xmlns='${namespace}' xmlns:stream='http://etherx.jabber.org/streams' ` +
  `to='${to}' version='1.0'>`;
