import { AuthorizationError, connect } from '@nats-io/transport-node';
import type { NatsConnection, Status } from '@nats-io/transport-node';
import { endOfTurn } from '@pushmesh/async';
import type { Log } from '@pushmesh/telemetry';
import { backOff } from './back-off.ts';
import { reconnectingClient } from './client-options.ts';
import { createLinkState } from './nats-link.ts';
import type { LinkState, NatsLink } from './nats-link.ts';
import { createStreamRounds } from './stream-rounds.ts';
import type { StreamRounds } from './stream-rounds.ts';
import type { StreamSettings } from './streams.ts';

export type NatsOptions = {
  /** `nats://host:port`, several separated by commas; `tls://` never connects without TLS. */
  readonly url: string;
  /** The text of a credentials file. */
  readonly creds?: string | undefined;
  /** Shown by the monitoring of the NATS server. */
  readonly name: string;
  readonly streams: StreamSettings;
};

type Connecting = {
  readonly options: NatsOptions;
  readonly log: Log;
  readonly link: LinkState;
  readonly rounds: StreamRounds;
  /** Aborted when the link is closed. */
  readonly closing: AbortController;
  /** The client, whether its connection is up or not. */
  client: NatsConnection | undefined;
};

/** Begins to connect and returns at once. */
export const connectNats = (options: NatsOptions, log: Log): NatsLink => {
  const link = createLinkState(`not connected to NATS at ${options.url} yet`);
  const closing = new AbortController();
  const rounds = createStreamRounds(options.streams, link, closing.signal, log);
  const connecting: Connecting = { options, log, link, rounds, closing, client: undefined };
  void run(connecting);

  return {
    current: link.current,
    missing: link.missing,
    onReady: link.onReady,
    onLost: link.onLost,
    repair: () => {
      const nats = link.current();
      if (nats) rounds.repair(nats);
    },
    close: async () => {
      closing.abort();
      await endOfTurn();
      if (link.current()) await connecting.client?.drain();
      else await connecting.client?.close();
    },
  };
};

/** Connects, and follows what the client reports until the connection ends for good. */
const run = async (connecting: Connecting): Promise<void> => {
  const { options, link, rounds, closing } = connecting;
  connecting.client = await connectFirst(connecting);
  if (!connecting.client) return;
  link.connected(connecting.client);
  rounds.queue(connecting.client);
  for await (const status of connecting.client.status()) follow(connecting, connecting.client, status);
  if (closing.signal.aborted) return;
  // The client gave up, although it is configured never to.
  link.lost(`the connection to NATS at ${options.url} was closed`);
  void run(connecting);
};

/** Attempts until there is a connection; `undefined` if the link is closed before. */
const connectFirst = async ({ options, log, link, closing }: Connecting): Promise<NatsConnection | undefined> => {
  const { url, creds, name } = options;
  for (let attempt = 1; !closing.signal.aborted; attempt += 1) {
    try {
      const nats = await connect(reconnectingClient(url, creds, name));
      if (!closing.signal.aborted) return nats;
      await nats.close();
    } catch (err) {
      const hint = err instanceof AuthorizationError ? ': check NATS_CREDS' : '';
      const why = `cannot connect to NATS at ${url}: ${(err as Error).message}${hint}`;
      link.notReady(why);
      log.warn({ event: 'nats-connect-failed', attempt, why });
      await backOff(attempt, closing.signal);
    }
  }
  return undefined;
};

const follow = ({ options, log, link, rounds }: Connecting, nats: NatsConnection, status: Status): void => {
  if (status.type === 'disconnect') {
    log.warn({ event: 'nats-disconnected', server: status.server });
    link.lost(`disconnected from NATS at ${options.url}`);
  }
  if (status.type === 'reconnect') {
    link.connected(nats);
    log.info({ event: 'nats-reconnected', server: status.server });
    rounds.queue(nats);
  }
  if (status.type === 'error') log.warn({ event: 'nats-error', err: status.error });
};
