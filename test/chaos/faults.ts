import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNode } from '../../deploy/local/guide.ts';
import { serviceNames } from '../../deploy/local/service.ts';
import type { ServiceName } from '../../deploy/local/service.ts';
import type { ApiFault } from './push-api-proxy.ts';
import { dispatcherInFlight } from './environment.ts';
import type { Settings, Stage } from './environment.ts';
import type { Traffic } from './traffic.ts';

/** Something that goes wrong under traffic, and is well again when `play` resolves. */
export type Fault = {
  readonly name: string;
  /** Variables that the services need for it. */
  readonly settings?: Settings;
  /** Messages a second. Default: 20. */
  readonly perSecond?: number;
  /** Plays the fault; what it gives back was not as it must be. */
  play(stage: Stage, traffic: Traffic, lastsMs: number): Promise<readonly string[]>;
  /** What `/readyz` of a service must have said meanwhile. */
  readonly notReady?: Partial<Record<ServiceName, RegExp>>;
  /** The circuit of the lane must have opened. */
  readonly opensCircuit?: boolean;
  /** Publishes must have been answered `wait`. */
  readonly waits?: boolean;
  /** Every publish must arrive, the unanswered ones too. */
  readonly losesNothing?: boolean;
  /** How often a phone may show a push again: what was under way in a process that was killed. Default: 0. */
  readonly mayRepeat?: number;
  /** How long it lasts, milliseconds. Default: 6 s. */
  readonly lastsMs?: number;
};

const fine: readonly string[] = [];

const killService = (name: ServiceName, mayRepeat = 0): Fault => ({
  name: `kill ${name}`,
  lastsMs: 1_000,
  mayRepeat,
  play: async ({ mesh }, _traffic, lastsMs) => {
    await mesh.services[name].kill();
    await sleep(lastsMs);
    await mesh.services[name].restart();
    return fine;
  },
});

const killServer = (name: 'nats' | 'redis', notReady: Fault['notReady'] & object, mayRepeat = 0): Fault => ({
  name: `kill ${name}`,
  lastsMs: 1_500,
  notReady,
  mayRepeat,
  play: async ({ mesh }, _traffic, lastsMs) => {
    await mesh.servers[name].kill();
    await sleep(lastsMs);
    await mesh.servers[name].restart();
    return fine;
  },
});

const pushApi = (fault: ApiFault, more: Partial<Fault> = {}): Fault => ({
  name: `push API ${fault}`,
  opensCircuit: true,
  play: async ({ phones }, _traffic, lastsMs) => {
    await phones.play(fault);
    await sleep(lastsMs);
    await phones.play(undefined);
    return fine;
  },
  ...more,
});

/** Says one command to Redis. */
const tellRedis = (stage: Stage, command: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(stage.mesh.endpoints.redis);
    const socket = createConnection({ host: '127.0.0.1', port: Number(port) }, () => socket.write(`${command}\r\n`));
    socket.setEncoding('utf8').once('data', (answer: string) => {
      socket.destroy();
      if (answer.startsWith('+OK')) resolve();
      else reject(new Error(`Redis answered ${command} with ${answer.trim()}`));
    });
    socket.on('error', reject);
  });

/** Redis is up and answers errors. What has to be written is answered `wait` meanwhile. */
const redisErrors = (word: string, begin: readonly string[], end: readonly string[]): Fault => ({
  name: `Redis answers ${word}`,
  lastsMs: 4_000,
  notReady: { 'pubsub-push': new RegExp(word) },
  play: async (stage, { sender }, lastsMs) => {
    for (const command of begin) await tellRedis(stage, command);
    const { push } = stage.mesh.endpoints.components;
    const created = await sender.iq('set', push, createNode(`during ${word} ${Date.now()}`));
    await sleep(lastsMs);
    for (const command of end) await tellRedis(stage, command);
    const type = created.getChild('error')?.attrs['type'];
    return type === 'wait' ? fine : [`a create was answered ${type ?? 'result'} instead of wait`];
  },
});

const nobody = '127.0.0.1 1';

export const faults: readonly Fault[] = [
  ...(['gateway', 'pubsub-push'] as const).map((name) => killService(name)),
  killService('dispatcher', dispatcherInFlight),
  killService('push-service', dispatcherInFlight),
  killServer(
    'nats',
    { gateway: /disconnected/, 'pubsub-push': /disconnected/, dispatcher: /disconnected/ },
    dispatcherInFlight,
  ),
  killServer('redis', { 'pubsub-push': /Redis at .* is/ }),
  {
    name: 'rolling restart',
    perSecond: 150,
    losesNothing: true,
    play: async ({ mesh }) => {
      // One gateway alone would leave the XMPP server without a component for the time of its restart.
      const second = await mesh.replicate('gateway');
      for (const name of serviceNames.toReversed()) await mesh.services[name].restart();
      await second.stop();
      return fine;
    },
  },
  {
    name: 'gateway away',
    lastsMs: 10_000,
    play: async ({ mesh }, _traffic, lastsMs) => {
      await mesh.services.gateway.kill();
      await sleep(lastsMs);
      await mesh.services.gateway.restart();
      return fine;
    },
  },
  pushApi('refusing'),
  pushApi('failing'),
  pushApi('throttling', { opensCircuit: false }),
  // Long enough for calls to time out twice: the good ones of before have left the circuit’s window by then.
  pushApi('slow', { lastsMs: 20_000 }),
  pushApi('resetting'),
  pushApi('half failing', { opensCircuit: false }),
  redisErrors('OOM', ['CONFIG SET maxmemory 1'], ['CONFIG SET maxmemory 0']),
  redisErrors('READONLY', [`REPLICAOF ${nobody}`], ['REPLICAOF NO ONE']),
  redisErrors(
    'MASTERDOWN',
    ['CONFIG SET replica-serve-stale-data no', `REPLICAOF ${nobody}`],
    ['REPLICAOF NO ONE', 'CONFIG SET replica-serve-stale-data yes'],
  ),
  {
    name: 'NATS without JetStream',
    lastsMs: 4_000,
    waits: true,
    mayRepeat: dispatcherInFlight,
    notReady: { gateway: /streams/, 'pubsub-push': /streams/, dispatcher: /streams/ },
    play: async ({ mesh: { servers } }, _traffic, lastsMs) => {
      servers.nats.useJetStream(false);
      await servers.nats.restart();
      await sleep(lastsMs);
      servers.nats.useJetStream(true);
      await servers.nats.restart();
      return fine;
    },
  },
  pushApi('refusing', {
    name: 'stream full',
    waits: true,
    settings: Object.fromEntries(
      (['gateway', 'pubsub-push', 'dispatcher'] as const).map((name) => [name, { NATS_STREAM_MAX_MESSAGES: '60' }]),
    ),
  }),
];
