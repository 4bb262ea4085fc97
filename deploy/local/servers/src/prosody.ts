import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runServer } from './server.ts';
import { opensStreams, type RunningXmppServer, type XmppServerOptions } from './xmpp.ts';

/** The options for starting Prosody. */
export type ProsodyOptions = XmppServerOptions & {
  /** How many errors in a row make Prosody drop a registration. Default: Prosody's own, 16. */
  readonly pushMaxErrors?: number;
  /** Additional modules. */
  readonly modules?: readonly string[];
  /** Lua to add to the global section of the configuration. */
  readonly config?: string;
  /** Lua to add to the section of every component. */
  readonly componentConfig?: string;
};

/** Starts Prosody. */
export const startProsody = async (options: ProsodyOptions): Promise<RunningXmppServer> => {
  const { domain = 'localhost', components } = options;
  const { ports, ...server } = await runServer(
    {
      kind: 'prosody',
      preferredPorts: { c2s: options.ports?.c2s, component: options.ports?.component },
      configure: async ({ dataDir, listen }, chosen) => {
        const configFile = join(dataDir, 'prosody.cfg.lua');
        await mkdir(join(dataDir, 'certs'), { recursive: true });
        await writeFile(configFile, configuration(options, domain, dataDir, listen, chosen));
        await writeAccounts(join(dataDir, 'data'), domain, options.users ?? []);
        return { args: ['--config', configFile, '-F'] };
      },
      answers: (chosen) => opensStreams(domain, components, chosen),
      complaint: /modulemanager\s+error|Unable to load module|Error initializing module/i,
    },
    options,
  );
  return { ...server, host: '127.0.0.1', domain, c2sPort: ports.c2s, componentPort: ports.component };
};

const configuration = (
  options: ProsodyOptions,
  domain: string,
  dataDir: string,
  listen: string,
  ports: { readonly c2s: number; readonly component: number },
): string => {
  const { push = true, pushContent = true, resumeSeconds = 60, ackSeconds, pushMaxErrors } = options;
  const modules = ['disco', 'roster', 'saslauth', 'ping', 'offline', 'smacks', 'carbons'];
  if (push) modules.push('cloud_notify');
  const settings = {
    // This only permits it: in continuous integration and in containers, there may be no user but root.
    run_as_root: true,
    data_path: join(dataDir, 'data'),
    certificates: join(dataDir, 'certs'),
    interfaces: [listen],
    // Not covered by `interfaces`: without this, ::1 would be bound as well.
    component_interfaces: [listen],
    c2s_ports: [ports.c2s],
    component_ports: [ports.component],
    s2s_ports: [],
    legacy_ssl_ports: [],
    http_ports: [],
    https_ports: [],
    modules_disabled: ['s2s', 'tls'],
    modules_enabled: [...modules, ...(options.modules ?? [])],
    authentication: 'internal_plain',
    storage: 'internal',
    c2s_require_encryption: false,
    allow_unencrypted_plain_auth: true,
    limits: [],
    smacks_hibernation_time: resumeSeconds,
    smacks_max_ack_delay: ackSeconds,
    push_notification_with_body: pushContent,
    push_notification_with_sender: pushContent,
    push_max_errors: pushMaxErrors,
  };
  return [
    ...Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [`${name} = ${lua(value)}`])),
    'log = { warn = "*console" }',
    options.config ?? '',
    `VirtualHost ${lua(domain)}`,
    ...options.components.flatMap(({ name, secret }) => [
      `Component ${lua(name)}`,
      `component_secret = ${lua(secret)}`,
      options.componentConfig ?? '',
    ]),
    '',
  ].join('\n');
};

type LuaValue = string | number | boolean | readonly (string | number)[];

const lua = (value: LuaValue): string => {
  if (typeof value === 'string') return `"${value.replace(/[\\"\n]/g, '\\$&')}"`;
  return typeof value === 'object' ? `{ ${value.map(lua).join(', ')} }` : String(value);
};

// Like `prosodyctl register`, but without a process per user, and works for containers too.
const writeAccounts = async (
  dataPath: string,
  domain: string,
  users: NonNullable<XmppServerOptions['users']>,
): Promise<void> => {
  const folder = join(dataPath, fileNameOf(domain), 'accounts');
  await mkdir(folder, { recursive: true });
  for (const { name, password } of users) {
    await writeFile(join(folder, `${fileNameOf(name)}.dat`), `return {\n\t["password"] = ${lua(password)};\n};\n`);
  }
};

// In file names, Prosody writes every byte except ASCII letters and digits as %xx.
const fileNameOf = (name: string): string =>
  [...Buffer.from(name)]
    .map((byte) => String.fromCharCode(byte))
    .map((char) => (/[A-Za-z0-9]/.test(char) ? char : `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`))
    .join('');
