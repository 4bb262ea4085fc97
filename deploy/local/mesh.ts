import { join } from 'node:path';
import { choosePorts, prepareServers, startEjabberd, startNats, startProsody, startRedis } from '@pushmesh/servers';
import type { Prefer, ProsodyOptions, RunningNats, RunningServer, RunningXmppServer } from '@pushmesh/servers';
import { serviceNames, startService } from './service.ts';
import type { RunningService, ServiceName } from './service.ts';

export type XmppServerName = 'prosody' | 'ejabberd';

/** The addresses of everything: the contents of `.pushmesh/endpoints.json`. */
export type Endpoints = {
  readonly xmpp: {
    readonly server: XmppServerName;
    readonly host: string;
    readonly port: number;
    readonly domain: string;
    readonly users: readonly { readonly jid: string; readonly password: string }[];
  };
  readonly components: { readonly push: string };
  readonly pushService: string;
  readonly phones: string;
  readonly ops: Readonly<Record<ServiceName, string>>;
  readonly nats: string;
  readonly redis: string;
};

export type Mesh = {
  readonly endpoints: Endpoints;
  readonly servers: { readonly nats: RunningNats; readonly redis: RunningServer; readonly xmpp: RunningXmppServer };
  readonly services: Readonly<Record<ServiceName, RunningService>>;
  /** Starts another replica of a service. */
  replicate(name: ServiceName): Promise<RunningService>;
  /** Stops the services, then the servers, each gracefully. */
  stop(): Promise<void>;
};

export type MeshOptions = {
  /** Where all state is kept: start again with the same folder to get the same state back. */
  readonly dataDir: string;
  readonly server: XmppServerName;
  readonly prefer?: Prefer;
  /** Preferred ports; if one is absent or taken, any free port is used. */
  readonly ports?: Partial<Record<'nats' | 'redis' | 'c2s' | 'component' | 'http' | ServiceName, number>>;
  /** Additional variables for a service. */
  readonly settings?: Partial<Record<ServiceName, Readonly<Record<string, string>>>>;
  /** Name of the push component. Default: `push.localhost`. */
  readonly component?: string;
  /** Accounts of the XMPP server. Default: alice and bob. */
  readonly users?: readonly { readonly name: string; readonly password: string }[];
  /** Additional settings for Prosody. */
  readonly prosody?: Partial<Pick<ProsodyOptions, 'pushMaxErrors'>>;
  readonly report: (line: string) => void;
};

const domain = 'localhost';
const aliceAndBob = [
  { name: 'alice', password: 'alice-pw' },
  { name: 'bob', password: 'bob-pw' },
] as const;
/** The component secret; both ends are on loopback, in processes of this user. */
const secret = 'local-mesh-only';

/** Starts NATS, Redis, an XMPP server and the four services as processes on this machine. */
export const startMesh = async (options: MeshOptions): Promise<Mesh> => {
  const { dataDir, server, report, ports = {} } = options;
  const { component = 'push.localhost', users = aliceAndBob } = options;
  const opened: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const each of opened.splice(0).toReversed()) await each.stop();
  };
  const keep: Keep = (each) => {
    opened.push(each);
    return each;
  };

  try {
    const servers = await startServers({ ...options, component, users }, keep);
    const { http, ...opsPorts } = await choosePorts(
      {
        http: ports.http,
        gateway: ports.gateway,
        'pubsub-push': ports['pubsub-push'],
        dispatcher: ports.dispatcher,
        'push-service': ports['push-service'],
      },
      report,
    );
    const env = serviceEnv(servers, component, http, options.settings);
    // The gateway comes last: as soon as it is connected, the XMPP server sends it work.
    const services: Partial<Record<ServiceName, RunningService>> = {};
    for (const name of ['push-service', 'pubsub-push', 'dispatcher', 'gateway'] as const) {
      services[name] = keep(await startService(name, join(dataDir, 'services'), opsPorts[name], env[name], report));
      report(`${name} is ready`);
    }

    let replicas = 0;
    const replicate = async (name: ServiceName): Promise<RunningService> => {
      const { ops } = await choosePorts({ ops: undefined }, report);
      replicas += 1;
      return keep(await startService(name, join(dataDir, `replica-${replicas}`), ops, env[name], report));
    };
    const { nats, redis, xmpp } = servers;
    const pushService = pushServiceUrl(http);
    return {
      endpoints: {
        xmpp: {
          server,
          host: xmpp.host,
          port: xmpp.c2sPort,
          domain,
          users: users.map(({ name, password }) => ({ jid: `${name}@${domain}`, password })),
        },
        components: { push: component },
        pushService,
        phones: `${pushService}/`,
        ops: Object.fromEntries(serviceNames.map((name) => [name, services[name]?.ops])) as Endpoints['ops'],
        nats: nats.url,
        redis: redis.url,
      },
      servers,
      services: services as Mesh['services'],
      replicate,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** Notes what has to be stopped in the end, and returns it. */
type Keep = <T extends { stop(): Promise<void> }>(each: T) => T;

type Servers = {
  readonly nats: RunningNats;
  readonly redis: RunningServer & { readonly url: string };
  readonly xmpp: RunningXmppServer;
};

const startServers = async (
  options: MeshOptions & Required<Pick<MeshOptions, 'component' | 'users'>>,
  keep: Keep,
): Promise<Servers> => {
  const { dataDir, server, component, users, report, prefer = 'local', ports = {} } = options;
  const common = { prefer, report };
  await prepareServers(['nats', 'redis', server], common);
  const nats = keep(
    await startNats({
      ...common,
      dataDir: join(dataDir, 'nats'),
      ...(ports.nats !== undefined && { port: ports.nats }),
    }),
  );
  report(`NATS is running (${nats.how})`);
  const redis = keep(
    await startRedis({
      ...common,
      dataDir: join(dataDir, 'redis'),
      ...(ports.redis !== undefined && { port: ports.redis }),
    }),
  );
  report(`Redis is running (${redis.how})`);
  const xmppOptions = {
    ...common,
    dataDir: join(dataDir, server),
    domain,
    users,
    components: [{ name: component, secret }],
    ports: {
      ...(ports.c2s !== undefined && { c2s: ports.c2s }),
      ...(ports.component !== undefined && { component: ports.component }),
    },
  };
  const xmpp = keep(
    server === 'prosody'
      ? await startProsody({ ...xmppOptions, ...options.prosody })
      : await startEjabberd(xmppOptions),
  );
  report(`${server === 'prosody' ? 'Prosody' : 'ejabberd'} is running (${xmpp.how})`);
  return { nats, redis, xmpp };
};

const pushServiceUrl = (httpPort: number): string => `http://127.0.0.1:${httpPort}`;

/** The variables of each service: how it finds the others, then the additional settings. */
const serviceEnv = (
  { nats, redis, xmpp }: Servers,
  component: string,
  httpPort: number,
  settings: MeshOptions['settings'] = {},
): Readonly<Record<ServiceName, Readonly<Record<string, string>>>> => ({
  'push-service': { HTTP_PORT: String(httpPort), ...settings['push-service'] },
  'pubsub-push': { NATS_URL: nats.url, REDIS_URL: redis.url, ...settings['pubsub-push'] },
  dispatcher: { NATS_URL: nats.url, PUSH_API_URL: pushServiceUrl(httpPort), ...settings.dispatcher },
  gateway: {
    NATS_URL: nats.url,
    XMPP_SERVICE: `xmpp://${xmpp.host}:${xmpp.componentPort}`,
    XMPP_COMPONENTS: component,
    XMPP_COMPONENT_SECRET: secret,
    ...settings.gateway,
  },
});
