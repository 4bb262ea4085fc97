// Checks docker-compose.yml and deploy/docker/Dockerfile against the code, without a container engine.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checks, problemsOf, readFiles } from './compose-checks.ts';
import type { Files } from './compose-checks.ts';
import { root } from './compose-image.ts';
import { readComposeProject, readEnvFile } from './compose-project.ts';
import type { Env } from './compose-project.ts';

const mongoosePush = readEnvFile(readFileSync(join(root, 'deploy/docker/mongoosepush.env'), 'utf8'));
const ownServer: Env = {
  PROSODY_REPLICAS: '0',
  XMPP_SERVICE: 'xmpp://xmpp.example.org:5347',
  XMPP_COMPONENTS: 'push.example.org',
  XMPP_COMPONENT_SECRET: 'theirs',
};
const always = ['dispatcher', 'gateway', 'nats', 'pubsub-push', 'redis'];

describe.each([
  { how: 'as it is', env: {}, started: [...always, 'prosody', 'push-service'] },
  { how: 'with MongoosePush', env: mongoosePush, started: [...always, 'mongoosepush', 'prosody'] },
  { how: "with the operator's own XMPP server", env: ownServer, started: [...always, 'push-service'] },
])('docker compose up, $how', ({ env, started }) => {
  const files = readFiles(env);

  it('starts the right services', () => {
    expect([...readComposeProject(files.compose, env).started].toSorted()).toEqual(started.toSorted());
  });

  it.each(Object.keys(checks))('%s', (name) => {
    expect(problemsOf(name, files)).toEqual([]);
  });
});

it('mongoosepush.env sets only variables that docker-compose.yml uses', () => {
  const { compose } = readFiles();
  const unused = Object.keys(mongoosePush).filter(
    (name) => name !== 'COMPOSE_PROFILES' && !compose.includes(`\${${name}:-`),
  );
  expect(unused).toEqual([]);
});

it('a duplicate key and a variable without a default are errors', () => {
  expect(() => readComposeProject('services: {}\nservices: {}', {})).toThrow(/unique/);
  expect(() => readComposeProject('services: { a: { image: "${X}" } }', {})).toThrow('${X} has no default');
  expect(() => readComposeProject('services: { a: { image: "${X:?say which}" } }', {})).toThrow('X: say which');
});

/** A change that breaks a file, and what the check must say about it. */
type Breakage = [
  check: string,
  file: 'compose' | 'dockerfile' | 'dockerignore' | 'prosody',
  from: string,
  to: string,
  says: string,
];

const [
  builds = '',
  variables = '',
  configuration = '',
  addresses = '',
  ports = '',
  comments = '',
  health = '',
  waiting = '',
  grace = '',
  tags = '',
  rights = '',
  volumes = '',
  prosody = '',
  contents = '',
  heap = '',
  running = '',
] = Object.keys(checks);

describe('every check notices a broken file', () => {
  const cases: Breakage[] = [
    [builds, 'compose', 'SERVICE: gateway', 'SERVICE: gatewy', 'services/gatewy does not exist'],
    [builds, 'compose', 'SERVICE: pubsub-push', 'SERVICE: gateway', 'services/pubsub-push is not built exactly once'],
    [
      builds,
      'compose',
      'dockerfile: deploy/docker/Dockerfile',
      'dockerfile: Dockerfile',
      'is not built by the Dockerfile',
    ],
    [variables, 'compose', 'REDIS_URL:', 'REDIS_URI:', 'does not read REDIS_URI'],
    [variables, 'dockerfile', 'OPS_PORT=9090', 'OPS_PORTS=9090', 'does not read OPS_PORTS'],
    [variables, 'compose', 'PUSH_FCM_APP_FILE', 'PUSH_FCM_APPFILE', 'MongoosePush does not read PUSH_FCM_APPFILE'],
    [
      configuration,
      'compose',
      'XMPP_COMPONENTS: ${XMPP_COMPONENTS:-push.localhost}\n',
      '\n',
      'XMPP_COMPONENTS: is not set',
    ],
    [configuration, 'compose', 'PUSH_API_FCM_DEV:-true', 'PUSH_API_FCM_DEV:-yes', 'PUSH_API_FCM_DEV: is "yes"'],
    [
      addresses,
      'compose',
      'PUSH_API_URL:-http://push-service:8080',
      'PUSH_API_URL:-http://push-service:8081',
      'listens elsewhere',
    ],
    [addresses, 'compose', "HTTP_PORT: '8080'", "HTTP_PORT: '8081'", 'PUSH_API_URL has port 8080'],
    [addresses, 'compose', 'HTTP_HOST: 0.0.0.0', 'HTTP_HOST: 127.0.0.1', 'push-service listens elsewhere'],
    [addresses, 'compose', 'redis://redis:6379', 'redis://cache:6379', 'names cache, which is not started'],
    [
      addresses,
      'compose',
      'PUSH_API_URL:-http://push-service:8080',
      'PUSH_API_URL:-https://mongoosepush:8443',
      'is not started',
    ],
    [addresses, 'compose', '      redis: { condition: service_healthy }\n', '', 'does not wait for redis'],
    [addresses, 'prosody', 'component_ports = { 5347 }', 'component_ports = { 5348 }', 'has port 5347'],
    [ports, 'compose', "'127.0.0.1:29091:9090'", "'29091:9090'", 'is not on 127.0.0.1'],
    [ports, 'compose', "'127.0.0.1:29091:9090'", "'0.0.0.0:29091:9090'", 'is not on 127.0.0.1'],
    [ports, 'compose', "'127.0.0.1:29091:9090'", "'127.0.0.1:29091:9191'", 'nothing listens on 9191'],
    [ports, 'compose', '29120-29129', '29115-29125', 'of pubsub-push is 127.0.0.1:29115-29125:9090 of dispatcher'],
    [ports, 'dockerfile', 'OPS_HOST=0.0.0.0', 'OPS_HOST=127.0.0.1', 'nothing listens on 9090'],
    [comments, 'compose', '#   http://127.0.0.1:28080/', '#   http://127.0.0.1:8080/', 'nothing is published there'],
    [health, 'compose', '127.0.0.1:9090/readyz', '127.0.0.1:9091/readyz', 'requests port 9091'],
    [health, 'compose', '9090/readyz', '9090/ready', 'neither /livez nor /readyz'],
    [health, 'compose', 'http://127.0.0.1:8222/healthz', 'http://127.0.0.1:8223/healthz', 'requests port 8223'],
    [health, 'compose', '/dev/tcp/127.0.0.1/5347', '/dev/tcp/127.0.0.1/5348', 'requests port 5348'],
    [health, 'compose', 'test: [CMD, wget,', 'test: [wget,', 'does not begin with CMD'],
    [health, 'compose', '- -e\n', '- { a: b }\n', 'not a list of words'],
    [
      waiting,
      'compose',
      'nats: { condition: service_healthy }',
      'nts: { condition: service_healthy }',
      'does not wait until nts is healthy',
    ],
    [
      waiting,
      'compose',
      'nats: { condition: service_healthy }',
      'nats: { condition: service_started }',
      'does not wait until nats is healthy',
    ],
    [grace, 'compose', 'stop_grace_period: 30s', 'stop_grace_period: 20s', 'is killed after 20000 ms'],
    [grace, 'compose', 'stop_grace_period: 30s', 'stop_grace_time: 30s', 'is killed after 0 ms'],
    [tags, 'compose', 'redis:7-alpine', 'redis:latest', 'redis:latest'],
    [tags, 'compose', 'nats:2.11-alpine', 'nats', 'nats'],
    [tags, 'dockerfile', 'node:24-bookworm-slim', 'node', 'node'],
    [rights, 'compose', 'cap_drop: [ALL]', 'cap_drop: [NET_RAW]', 'keeps capabilities'],
    [rights, 'compose', 'no-new-privileges:true', 'no-new-privileges:false', 'may gain privileges'],
    [rights, 'compose', 'read_only: true', 'read_only: false', 'has a writable file system'],
    [rights, 'compose', 'restart: unless-stopped', "restart: 'no'", 'is not restarted'],
    [volumes, 'compose', '\n  redis:\n  prosody:\n', '\n  prosody:\n', 'redis does not exist'],
    [volumes, 'compose', "volumes: ['nats:/data']", 'volumes: []', 'nats is not used'],
    [
      volumes,
      'compose',
      './deploy/docker/prosody/prosody.cfg.lua:',
      './deploy/docker/prosody.cfg.lua:',
      'does not exist',
    ],
    [
      prosody,
      'compose',
      'XMPP_COMPONENTS:-push.localhost',
      'XMPP_COMPONENTS:-pubsub.localhost',
      'has the component push.localhost',
    ],
    [prosody, 'compose', '-local-mesh-only', '-another', 'another secret'],
    [contents, 'dockerfile', 'COPY libs/xmpp/package.json libs/xmpp/\n', '', 'npm ci lacks libs/xmpp/package.json'],
    [contents, 'dockerfile', 'COPY libs libs\n', '', 'gateway lacks libs/xmpp/src/index.ts'],
    [contents, 'dockerfile', 'COPY libs libs\n', 'COPY libs lib\n', 'gateway lacks libs/bus/src/index.ts'],
    [
      contents,
      'dockerfile',
      'COPY libs libs\n',
      'COPY libs libs\nCOPY library libs\n',
      'COPY library: it does not exist',
    ],
    [
      contents,
      'dockerignore',
      '!package-lock.json\n',
      '',
      'COPY package-lock.json: it does not exist, or .dockerignore excludes it',
    ],
    [
      contents,
      'dockerignore',
      '**/testing\n',
      '**/*.lua\n',
      'pubsub-push lacks services/pubsub-push/src/adapters/redis/lua/',
    ],
    [contents, 'dockerignore', '**/*.test.ts\n', '', 'has the test'],
    [running, 'dockerfile', 'USER 1000:1000\n', '', 'it runs as root'],
    [running, 'dockerfile', 'USER 1000:1000\n', 'USER 1000:1000\nUSER root\n', 'it runs as root'],
    [running, 'dockerfile', 'HEALTHCHECK', 'LABEL', 'it has no HEALTHCHECK'],
    [running, 'dockerfile', 'CMD ["node", "src', 'CMD ["sh", "src', 'does not start Node.js itself'],
    [heap, 'dockerfile', 'semi-space-size=8', 'semi-space-size=16', 'dispatcher has NODE_OPTIONS'],
    [heap, 'dockerfile', 'MALLOC_ARENA_MAX=1', 'MALLOC_ARENA_MAX=2', 'dispatcher has MALLOC_ARENA_MAX'],
    [heap, 'compose', 'XMPP_SERVICE:', 'NODE_OPTIONS: --no-warnings\n      XMPP_SERVICE:', 'gateway has NODE_OPTIONS'],
    [running, 'dockerfile', 'STOPSIGNAL SIGTERM', 'STOPSIGNAL SIGQUIT', 'not stopped with SIGTERM'],
    [running, 'dockerfile', 'EXPOSE 9090', 'EXPOSE 9091', 'does not expose OPS_PORT'],
    [running, 'dockerfile', '--omit=dev ', '', 'not installed from the lock file'],
    [running, 'dockerfile', 'WORKDIR /app/services/${SERVICE}', 'WORKDIR /app', 'does not start in the service'],
  ];

  it('every check has such a case', () => {
    expect(new Set(cases.map(([check]) => check))).toEqual(new Set(Object.keys(checks)));
  });

  it.each(cases)('%s: %s, %j → %j', (check, file, from, to, says) => {
    const files: Files = readFiles();
    expect(files[file]).toContain(from);
    const broken = { ...files, [file]: files[file].replace(from, () => to) };
    expect(problemsOf(check, broken).join('\n')).toContain(says);
  });
});

const compose = (...args: string[]) => spawnSync('docker', ['compose', ...args], { cwd: root, encoding: 'utf8' });
const version = compose('version');
const isInstalled = version.status === 0;
const reason = version.error?.message ?? version.stderr.trim().split('\n')[0] ?? '';

it.each(isInstalled ? [{ args: [] }, { args: ['--env-file', 'deploy/docker/mongoosepush.env'] }] : [])(
  'docker compose config accepts the file, %j',
  ({ args }) => {
    const { status, stderr } = compose(...args, 'config', '-q');
    expect({ status, stderr }).toMatchObject({ status: 0 });
  },
);

it.each(isInstalled ? [] : [reason])('docker compose config did NOT run here (%s); all other checks did', (why) => {
  expect(why).not.toBe('');
});
