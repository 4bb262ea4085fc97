// Each check returns the problems that it finds. The tests expect none, and at least one after they have broken a file.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TObject } from 'typebox';
import { heapBounds, memoryEnv } from '../../deploy/local/service.ts';
import { dispatcherSchema, readDispatcherConfig } from '../../services/dispatcher/src/config.ts';
import { gatewaySchema, readGatewayConfig } from '../../services/gateway/src/config.ts';
import { pubsubPushSchema, readPubsubPushConfig } from '../../services/pubsub-push/src/config.ts';
import { pushServiceConfig, readPushServiceConfig } from '../../services/push-service/src/config.ts';
import { argsOf, envOf, filesOf, manifests, needsOf, readDockerfile, root, serviceFolders } from './compose-image.ts';
import { readComposeProject } from './compose-project.ts';
import type { ComposeProject, ComposeService, Env } from './compose-project.ts';

export type Files = {
  readonly compose: string;
  readonly dockerfile: string;
  readonly dockerignore: string;
  readonly prosody: string;
  readonly env: Env;
};

/** What the checks need of a service's configuration. */
type ServiceConfig = {
  readonly SHUTDOWN_DEADLINE_MS: number;
  readonly SHUTDOWN_DELAY_MS: number;
  readonly OPS_PORT: number;
  readonly OPS_HOST: string;
  readonly HTTP_PORT?: number;
  readonly HTTP_HOST?: string;
};

const configs: Readonly<Record<string, { schema: TObject; read: (env: Env) => ServiceConfig }>> = {
  gateway: { schema: gatewaySchema, read: readGatewayConfig },
  'pubsub-push': { schema: pubsubPushSchema, read: readPubsubPushConfig },
  dispatcher: { schema: dispatcherSchema, read: readDispatcherConfig },
  'push-service': { schema: pushServiceConfig, read: readPushServiceConfig },
};

/** Of the variables that MongoosePush reads, those that docker-compose.yml sets. */
const mongoosePushVariables =
  /^PUSH_(FCM_(ENABLED|APP_FILE)|APNS_(ENABLED|(DEV|PROD)_(P8_TOKEN|KEY_ID|TEAM_ID|DEFAULT_TOPIC)))$/;

/** Variables of Node.js itself. */
const nodeVariables = new Set(['NODE_ENV', 'NODE_COMPILE_CACHE', 'NODE_OPTIONS', ...Object.keys(memoryEnv)]);

/** Default ports of other people's images. Our services' ports come from their configuration. */
const imagePorts: Readonly<Record<string, number>> = { nats: 4222, redis: 6379, mongoosepush: 8443 };

/** Parses the files; `ours` are the services that are built from this repository. */
const parseFiles = (files: Files) => {
  const project = readComposeProject(files.compose, files.env);
  const ours = Object.entries(project.services).flatMap(([name, service]) => {
    const folder = service.build?.args?.['SERVICE'];
    if (folder === undefined) return [];
    const image = readDockerfile(files.dockerfile, folder);
    return [{ name, service, folder, image, env: { ...envOf(image), ...valuesOf(service) } }];
  });
  return { files, project, ours };
};
type Deployment = ReturnType<typeof parseFiles>;

const valuesOf = ({ environment = {} }: ComposeService): Env =>
  Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));

/** The configuration that a service reads; the contents of secret files are made up. */
const configOf = ({ folder, env }: Deployment['ours'][number]): ServiceConfig | undefined => {
  const entries = Object.entries(env).map(([name, value]) =>
    name.endsWith('_FILE') ? [name.slice(0, -'_FILE'.length), 'from a file'] : [name, value],
  );
  return configs[folder]?.read(Object.fromEntries(entries) as Env);
};

/** The ports on which others reach each service. */
const listeningOf = ({ files, project, ours }: Deployment): ReadonlyMap<string, readonly number[]> => {
  const portsIn = (setting: string) => Number(new RegExp(`^${setting} = \\{ (\\d+) \\}`, 'm').exec(files.prosody)?.[1]);
  const listening = new Map<string, readonly number[]>();
  for (const [name, { command = [] }] of Object.entries(project.services)) {
    const flag = command.indexOf('--http_port');
    listening.set(name, [
      ...(imagePorts[name] === undefined ? [] : [imagePorts[name]]),
      ...(flag < 0 ? [] : [Number(command[flag + 1])]),
      ...(name === 'prosody' ? [portsIn('c2s_ports'), portsIn('component_ports')] : []),
    ]);
  }
  for (const each of ours) {
    const { OPS_HOST, OPS_PORT, HTTP_HOST, HTTP_PORT } = configOf(each) ?? {};
    const open = [
      OPS_HOST === '0.0.0.0' ? OPS_PORT : undefined,
      HTTP_HOST === '0.0.0.0' ? HTTP_PORT : undefined,
    ].filter((port) => port !== undefined);
    listening.set(each.name, open);
  }
  return listening;
};

/** The URLs of services in the compose file: their host names have no dot. */
const urlsOf = (env: Env): readonly { readonly variable: string; readonly host: string; readonly port: number }[] =>
  Object.entries(env).flatMap(([variable, value]) =>
    [...value.matchAll(/[a-z]+:\/\/([^:/,\s]+):(\d+)/g)].flatMap(([, host = '', port]) =>
      host.includes('.') ? [] : [{ variable, host, port: Number(port) }],
    ),
  );

const publishedOf = (project: ComposeProject) =>
  Object.entries(project.services).flatMap(([service, { ports = [] }]) =>
    ports.map((text) => {
      const [, address, first, last, target] = /^(?:(.+):)?(\d+)(?:-(\d+))?:(\d+)$/.exec(text) ?? [];
      return { service, text, address, first: Number(first), last: Number(last ?? first), target: Number(target) };
    }),
  );

const secondsOf = (duration: string | undefined): number => Number(/^(\d+)s$/.exec(duration ?? '')?.[1] ?? 0);

export const checks: Readonly<Record<string, (deployment: Deployment) => readonly string[]>> = {
  'each folder in services/ is built once, by the Dockerfile': ({ ours }) => [
    ...ours.flatMap(({ name, folder, service }) => {
      const { context, dockerfile } = service.build ?? {};
      return [
        serviceFolders.includes(folder) ? [] : `${name}: services/${folder} does not exist`,
        context === '.' && dockerfile === 'deploy/docker/Dockerfile' ? [] : `${name}: is not built by the Dockerfile`,
      ].flat();
    }),
    ...serviceFolders.flatMap((each) =>
      ours.filter(({ folder }) => folder === each).length === 1 ? [] : `services/${each} is not built exactly once`,
    ),
  ],

  'every variable is one that its service reads': ({ ours, project }) => [
    ...ours.flatMap(({ name, folder, env }) =>
      Object.keys(env)
        .filter((variable) => !nodeVariables.has(variable))
        .filter((variable) => configs[folder]?.schema.properties[variable.replace(/_FILE$/, '')] === undefined)
        .map((variable) => `${name} does not read ${variable}`),
    ),
    ...Object.keys(project.services['mongoosepush']?.environment ?? {})
      .filter((variable) => !mongoosePushVariables.test(variable))
      .map((variable) => `MongoosePush does not read ${variable}`),
  ],

  'every configuration is valid and complete': ({ ours }) =>
    ours.flatMap((each) => {
      try {
        return configOf(each) ? [] : `${each.name} has no configuration`;
      } catch (error) {
        return `${each.name}: ${(error as Error).message}`;
      }
    }),

  'every address points to a started service, and to a port that it listens on': (deployment) => {
    const listening = listeningOf(deployment);
    return deployment.ours
      .filter(({ name }) => deployment.project.started.has(name))
      .flatMap(({ name, env, service }) =>
        urlsOf(env).flatMap(({ variable, host, port }) => [
          ...(deployment.project.started.has(host) ? [] : [`${name}: ${variable} names ${host}, which is not started`]),
          ...(listening.get(host)?.includes(port)
            ? []
            : [`${name}: ${variable} has port ${port}, but ${host} listens elsewhere`]),
          ...(variable === 'PUSH_API_URL' || service.depends_on?.[host] !== undefined
            ? []
            : [`${name} does not wait for ${host}`]),
        ]),
      );
  },

  'every published port is on loopback, published once, and listened on': (deployment) => {
    const listening = listeningOf(deployment);
    const published = publishedOf(deployment.project);
    return published.flatMap(({ service, text, address, first, last, target }, index) => [
      ...(address === '127.0.0.1' ? [] : [`${service}: ${text} is not on 127.0.0.1`]),
      ...(listening.get(service)?.includes(target) ? [] : [`${service}: ${text}, but nothing listens on ${target}`]),
      ...published
        .slice(index + 1)
        .filter((other) => first <= other.last && other.first <= last)
        .map((other) => `${text} of ${service} is ${other.text} of ${other.service}`),
    ]);
  },

  'every address in the comments is published': ({ files, project }) =>
    [...files.compose.matchAll(/^#.*127\.0\.0\.1:(\d+)/gm)]
      .filter(([, port]) => !publishedOf(project).some(({ first }) => first === Number(port)))
      .map(([line]) => `nothing is published there: ${line}`),

  'every health check requests a port that its service listens on': (deployment) => {
    const listening = listeningOf(deployment);
    return Object.entries(deployment.project.services).flatMap(([name, { healthcheck, image }]) => {
      if (healthcheck === undefined)
        return image?.startsWith('erlangsolutions/') ? [] : [`${name} has no health check`];
      const words: readonly unknown[] = healthcheck.test;
      const text = words.join(' ');
      const port = /(?:127\.0\.0\.1[:/])(\d+)/.exec(text)?.[1];
      const isOurs = deployment.ours.some((each) => each.name === name);
      return [
        words.every((word) => typeof word === 'string') ? [] : `${name}: the health check is not a list of words`,
        /^CMD(-SHELL)? /.test(text) ? [] : `${name}: the health check does not begin with CMD`,
        port === undefined || listening.get(name)?.includes(Number(port))
          ? []
          : `${name}: the health check requests port ${port}`,
        !isOurs || /:\d+\/(livez|readyz)'/.test(text)
          ? []
          : `${name}: the health check requests neither /livez nor /readyz`,
      ].flat();
    });
  },

  'every dependency exists and has a health check': ({ project }) =>
    Object.entries(project.services).flatMap(([name, service]) =>
      Object.entries(service.depends_on ?? {})
        .filter(([other, { condition }]) => condition !== 'service_healthy' || !project.services[other]?.healthcheck)
        .map(([other]) => `${name} does not wait until ${other} is healthy`),
    ),

  'every service has more time to stop than it needs': ({ ours }) =>
    ours.flatMap((each) => {
      const { SHUTDOWN_DEADLINE_MS = 0, SHUTDOWN_DELAY_MS = 0 } = configOf(each) ?? {};
      const given = secondsOf(each.service.stop_grace_period) * 1_000;
      return given > SHUTDOWN_DEADLINE_MS + SHUTDOWN_DELAY_MS ? [] : `${each.name} is killed after ${given} ms`;
    }),

  'every image has a tag other than `latest`': ({ project, ours }) => {
    const images = [
      ...Object.values(project.services).flatMap(({ image }) => image ?? []),
      ...ours.flatMap(({ image }) => argsOf(image, 'FROM').map((args) => args.split(/\s+/)[0] ?? '')),
    ];
    return images.filter((image) => !/:[^/]+$/.test(image) || image.endsWith(':latest'));
  },

  'every service restarts, can gain no privileges and, except for MongoosePush, has a read-only file system': ({
    project,
  }) =>
    Object.entries(project.services).flatMap(([name, service]) =>
      [
        service.restart === 'unless-stopped' ? [] : `${name} is not restarted`,
        service.cap_drop?.includes('ALL') ? [] : `${name} keeps capabilities`,
        service.security_opt?.includes('no-new-privileges:true') ? [] : `${name} may gain privileges`,
        service.read_only || name === 'mongoosepush' ? [] : `${name} has a writable file system`,
      ].flat(),
    ),

  'every volume is declared and used, every mounted file exists': ({ project }) => {
    const sources = Object.values(project.services).flatMap(({ volumes = [] }) =>
      volumes.flatMap((volume) => (typeof volume === 'string' ? (volume.split(':')[0] ?? '') : [])),
    );
    return [
      ...sources
        .filter((source) => (source.startsWith('.') ? !existsSync(join(root, source)) : !(source in project.volumes)))
        .map((source) => `${source} does not exist`),
      ...Object.keys(project.volumes)
        .filter((name) => !sources.includes(name))
        .map((name) => `${name} is not used`),
    ];
  },

  'Prosody and the gateway agree on the component and its secret': ({ files, project }) => {
    if (!project.started.has('prosody')) return [];
    const component = /^Component "(.+)"$/m.exec(files.prosody)?.[1];
    const { prosody, gateway } = project.services;
    return [
      gateway?.environment?.['XMPP_COMPONENTS'] === component ? [] : `Prosody has the component ${component}`,
      /^ {2}component_secret = ENV_XMPP_COMPONENT_SECRET$/m.test(files.prosody) &&
      prosody?.environment?.['XMPP_COMPONENT_SECRET'] === gateway?.environment?.['XMPP_COMPONENT_SECRET']
        ? []
        : 'Prosody has another secret than the gateway',
    ].flat();
  },

  'the image has every file that its service needs': ({ files, ours }) =>
    ours.flatMap(({ folder, image }) => {
      const copied = filesOf(image, files.dockerignore);
      const needed = needsOf(folder);
      const atInstall = filesOf(
        image.slice(
          0,
          image.findIndex(({ name }) => name === 'RUN'),
        ),
        files.dockerignore,
      );
      return [
        ...copied.absent.map((source) => `COPY ${source}: it does not exist, or .dockerignore excludes it`),
        ...manifests.filter((path) => !atInstall.files.has(path)).map((path) => `npm ci lacks ${path}`),
        ...[...needed.files].filter((path) => !copied.files.has(path)).map((path) => `${folder} lacks ${path}`),
        ...[...copied.files]
          .filter((path) => path.endsWith('.test.ts'))
          .map((path) => `${folder} has the test ${path}`),
        ...needed.unmet,
      ];
    }),

  'every service has the heap limits that were measured': ({ ours }) =>
    ours.flatMap(({ name, env }) => {
      const wanted = { NODE_OPTIONS: heapBounds.join(' '), ...memoryEnv };
      return Object.entries(wanted)
        .filter(([variable, value]) => env[variable] !== value)
        .map(([variable, value]) => `${name} has ${variable} ${env[variable]}, not ${value}`);
    }),

  'the image runs Node.js as process 1, not as root, and has a health check': ({ ours }) =>
    ours.flatMap(({ folder, image }) => {
      const healthcheck = argsOf(image, 'HEALTHCHECK').at(-1) ?? '';
      const names = image.map(({ name }) => name);
      return [
        /^1000:1000$/.test(argsOf(image, 'USER').at(-1) ?? '') ? [] : 'it runs as root',
        argsOf(image, 'WORKDIR').at(-1) === `/app/services/${folder}` ? [] : 'it does not start in the service',
        argsOf(image, 'CMD').at(-1) === '["node", "src/main.ts"]' ? [] : 'it does not start Node.js itself',
        argsOf(image, 'STOPSIGNAL').at(-1) === 'SIGTERM' ? [] : 'it is not stopped with SIGTERM',
        /CMD \["node", .*127\.0\.0\.1:\$\{process\.env\.OPS_PORT\}\/livez/.test(healthcheck)
          ? []
          : 'it has no HEALTHCHECK',
        argsOf(image, 'EXPOSE').includes(envOf(image)['OPS_PORT'] ?? '') ? [] : 'it does not expose OPS_PORT',
        argsOf(image, 'RUN').some((args) => args.includes('npm ci --omit=dev --ignore-scripts'))
          ? []
          : 'it is not installed from the lock file',
        names.lastIndexOf('ARG') > names.indexOf('RUN') ? [] : 'SERVICE comes before the layer that all images share',
      ].flat();
    }),
};

/** The problems that one check finds. */
export const problemsOf = (check: string, files: Files): readonly string[] => {
  try {
    return checks[check]?.(parseFiles(files)) ?? [`there is no check "${check}"`];
  } catch (error) {
    // An invalid configuration is reported by its own check; the others cannot run without it.
    return [`cannot be checked: ${(error as Error).message}`];
  }
};

export const readFiles = (env: Env = {}): Files => {
  const text = (path: string) => readFileSync(join(root, path), 'utf8');
  return {
    compose: text('docker-compose.yml'),
    dockerfile: text('deploy/docker/Dockerfile'),
    dockerignore: text('.dockerignore'),
    prosody: text('deploy/docker/prosody/prosody.cfg.lua'),
    env,
  };
};
