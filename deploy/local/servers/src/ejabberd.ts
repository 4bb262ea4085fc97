import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runServer } from './server.ts';
import { opensStreams, type RunningXmppServer, type XmppServerOptions } from './xmpp.ts';

/** The options for starting ejabberd. */
export type EjabberdOptions = Omit<XmppServerOptions, 'ports'> & {
  readonly ports?: XmppServerOptions['ports'] & { readonly api?: number };
  /** Additional modules with their options; the options of a default module are replaced. */
  readonly modules?: Readonly<Record<string, object>>;
  /** Settings to add to the top level of the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
};

type Ports = { readonly c2s: number; readonly component: number; readonly api: number };

/**
 * Starts ejabberd: the Erlang program itself without `ejabberdctl`, hence without distribution and port mapper. While a
 * component is not connected, ejabberd drops the registrations that name it, unless the system's resolver can resolve
 * its name. A component named `127.0.0.1` can always be resolved.
 */
export const startEjabberd = async (
  options: EjabberdOptions,
): Promise<RunningXmppServer & { /** ejabberd's HTTP API, open to loopback. */ readonly apiUrl: string }> => {
  const { domain = 'localhost', components, users = [] } = options;
  const apiUrl = ({ api }: Ports) => `http://127.0.0.1:${api}/api`;
  const { ports, ...server } = await runServer(
    {
      kind: 'ejabberd',
      preferredPorts: { c2s: options.ports?.c2s, component: options.ports?.component, api: options.ports?.api },
      configure: async ({ dataDir, listen }, chosen) => {
        const file = (name: string) => join(dataDir, name);
        await mkdir(file('database'), { recursive: true });
        // ejabberd reads YAML, and JSON is valid YAML.
        await writeFile(file('ejabberd.yml'), JSON.stringify(configuration(options, domain, listen, chosen), null, 2));
        return {
          args: ['-noinput', '-mnesia', 'dir', JSON.stringify(file('database')), '-s', 'ejabberd'],
          env: {
            EJABBERD_CONFIG_PATH: file('ejabberd.yml'),
            // Not `ejabberd.log` in the data folder, which is where the console output goes.
            EJABBERD_LOG_PATH: file('log/ejabberd.log'),
            ERL_CRASH_DUMP_SECONDS: '0',
          },
        };
      },
      answers: (chosen) => opensStreams(domain, components, chosen),
      complaint: /\[critical\]/i,
      complete: async (chosen) => {
        for (const user of users) await ensureUser(apiUrl(chosen), domain, user);
      },
    },
    options,
  );
  return {
    ...server,
    host: '127.0.0.1',
    domain,
    c2sPort: ports.c2s,
    componentPort: ports.component,
    apiUrl: apiUrl(ports),
  };
};

const configuration = (options: EjabberdOptions, domain: string, listen: string, ports: Ports): object => {
  const { push = true, pushContent = true, resumeSeconds = 60, ackSeconds } = options;
  const content = pushContent ? { include_body: true, include_sender: true } : {};
  return {
    loglevel: 'warning',
    hosts: [domain],
    listen: [
      // Without a limit, a user could send stanzas that are too large for every component.
      { port: ports.c2s, ip: listen, module: 'ejabberd_c2s', access: 'all', max_stanza_size: 262_144 },
      {
        port: ports.component,
        ip: listen,
        module: 'ejabberd_service',
        // Each connection serves only the name that it asked for.
        global_routes: false,
        hosts: Object.fromEntries(options.components.map(({ name, secret }) => [name, { password: secret }])),
      },
      { port: ports.api, ip: listen, module: 'ejabberd_http', request_handlers: { '/api': 'mod_http_api' } },
    ],
    // Stanzas for a component that is not connected go out to the host of that name (s2s). Nothing listens on this
    // port, so that fails at once: with a temporary error if the name can be resolved, otherwise with a permanent one,
    // for which ejabberd drops registrations.
    outgoing_s2s_port: 1,
    auth_password_format: 'plain',
    // A container is reached from outside, though only from this machine.
    acl: { api: { ip: listen === '127.0.0.1' ? ['127.0.0.0/8'] : ['0.0.0.0/0'] } },
    api_permissions: {
      local: { from: ['mod_http_api'], who: { access: { allow: { acl: 'api' } } }, what: ['*'] },
    },
    modules: {
      mod_admin_extra: {},
      mod_carboncopy: {},
      mod_disco: {},
      mod_offline: {},
      mod_ping: {},
      ...(push ? { mod_push: content } : {}),
      mod_roster: {},
      mod_stream_mgmt: {
        resume_timeout: resumeSeconds,
        ...(ackSeconds === undefined ? {} : { ack_timeout: ackSeconds }),
      },
      ...options.modules,
    },
    ...options.config,
  };
};

const apiTimeoutMs = 30_000;

const ensureUser = async (
  apiUrl: string,
  host: string,
  { name, password }: { readonly name: string; readonly password: string },
): Promise<void> => {
  const call = async (command: string, body: object): Promise<Response> =>
    fetch(`${apiUrl}/${command}`, {
      method: 'POST',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(apiTimeoutMs),
    });
  const registered = await call('register', { user: name, host, password });
  if (registered.ok) return;
  // 409: the user already exists.
  const answer =
    registered.status === 409 ? await call('change_password', { user: name, host, newpass: password }) : registered;
  if (!answer.ok) {
    throw new Error(
      `ejabberd answered the registration of ${name}@${host} with ${answer.status}: ${await answer.text()}`,
    );
  }
};
