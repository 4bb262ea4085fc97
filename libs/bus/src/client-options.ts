import { credsAuthenticator } from '@nats-io/transport-node';
import type { ConnectionOptions } from '@nats-io/transport-node';

/** The options of a client that reconnects for as long as the process lives. */
export const reconnectingClient = (url: string, creds: string | undefined, name: string): ConnectionOptions => ({
  ...serversOf(url, creds),
  name,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
  reconnectJitter: 250,
  pingInterval: 10_000,
  maxPingOut: 2,
  timeout: 5_000,
  ignoreAuthErrorAbort: true,
});

/** The options of the client that say where to connect, and with which credentials. */
export const serversOf = (url: string, creds: string | undefined): ConnectionOptions => ({
  servers: url.split(',').map((server) => server.trim()),
  // The client ignores the scheme: it uses TLS if the server offers it, and does without if not.
  ...(/\btls:\/\//i.test(url) && { tls: {} }),
  // The client finds a block of credentials by the newline after its last line, and only without carriage returns.
  ...(creds && { authenticator: credsAuthenticator(new TextEncoder().encode(`${creds.replaceAll('\r', '')}\n`)) }),
});
