import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNode } from '../../deploy/local/guide.ts';
import { serviceNames } from '../../deploy/local/service.ts';
import type { Mesh } from '../../deploy/local/mesh.ts';
import type { ServiceName } from '../../deploy/local/service.ts';
import { dispatcherInFlight } from './environment.ts';
import type { FaultEnvironment, Settings } from './environment.ts';
import type { PushApiFault } from './push-api-proxy.ts';
import type { Traffic } from './traffic.ts';

/** Something that fails under traffic, and what must be observed meanwhile. */
export type Fault = {
  readonly name: string;
  /** Variables that the services need for it. */
  readonly settings?: Settings;
  /** Messages a second. Default: 20. */
  readonly perSecond?: number;
  /** How long the fault lasts, milliseconds. Default: 6 s. */
  readonly durationMs?: number;
  /** Causes the fault and ends it before it resolves, with the problems that it noticed. */
  inject(environment: FaultEnvironment, traffic: Traffic, durationMs: number): Promise<readonly string[]>;
  /** What `/readyz` of a service must have said. */
  readonly notReady?: Partial<Record<ServiceName, RegExp>>;
  /** A circuit of the dispatcher must have opened. */
  readonly opensCircuit?: boolean;
  /** Publishes must have been answered `wait`. */
  readonly waits?: boolean;
  /** Every publish must be delivered, even if it was not answered. */
  readonly losesNothing?: boolean;
  /** How many pushes may be repeated: those that were in flight in a process that was killed. Default: 0. */
  readonly mayRepeat?: number;
};

const noProblems: readonly string[] = [];

const kill = (name: string, processOf: (mesh: Mesh) => Killable, more: Partial<Fault> = {}): Fault => ({
  name,
  inject: async ({ mesh }, _traffic, durationMs) => {
    await processOf(mesh).kill();
    await sleep(durationMs);
    await processOf(mesh).restart();
    return noProblems;
  },
  ...more,
});

type Killable = { kill(): Promise<void>; restart(): Promise<void> };

const killService = (name: ServiceName, mayRepeat = 0): Fault =>
  kill(`kill ${name}`, ({ services }) => services[name], { durationMs: 1_000, mayRepeat });

const killServer = (name: 'nats' | 'redis', more: Partial<Fault>): Fault =>
  kill(`kill ${name}`, ({ servers }) => servers[name], { durationMs: 1_500, ...more });

const pushApi = (fault: PushApiFault, more: Partial<Fault> = {}): Fault => ({
  name: `push API ${fault}`,
  opensCircuit: true,
  inject: async (environment, _traffic, durationMs) => {
    await environment.pushApi.inject(fault);
    await sleep(durationMs);
    await environment.pushApi.inject(undefined);
    return noProblems;
  },
  ...more,
});

/** Redis is up and answers errors. Commands that write must be answered `wait` meanwhile. */
const redisErrors = (error: string, begin: readonly string[], end: readonly string[]): Fault => ({
  name: `Redis answers ${error}`,
  durationMs: 4_000,
  notReady: { 'pubsub-push': new RegExp(error) },
  inject: async ({ mesh }, { sender }, durationMs) => {
    for (const command of begin) await sendToRedis(mesh.endpoints.redis, command);
    const { push } = mesh.endpoints.components;
    const created = await sender.iq('set', push, createNode(`during ${error} ${Date.now()}`));
    await sleep(durationMs);
    for (const command of end) await sendToRedis(mesh.endpoints.redis, command);
    const type = created.getChild('error')?.attrs['type'];
    return type === 'wait' ? noProblems : [`a create was answered ${type ?? 'result'} instead of wait`];
  },
});

const sendToRedis = (url: string, command: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(url).port) }, () =>
      socket.write(`${command}\r\n`),
    );
    socket.setEncoding('utf8').once('data', (answer: string) => {
      socket.destroy();
      if (answer.startsWith('+OK')) resolve();
      else reject(new Error(`Redis answered ${command} with ${answer.trim()}`));
    });
    socket.on('error', reject);
  });

const unreachablePrimary = '127.0.0.1 1';

export const faults: readonly Fault[] = [
  killService('gateway'),
  killService('pubsub-push'),
  killService('dispatcher', dispatcherInFlight),
  killService('push-service', dispatcherInFlight),
  killServer('nats', {
    notReady: { gateway: /disconnected/, 'pubsub-push': /disconnected/, dispatcher: /disconnected/ },
    mayRepeat: dispatcherInFlight,
  }),
  killServer('redis', { notReady: { 'pubsub-push': /Redis at .* is/ } }),
  {
    name: 'rolling restart',
    perSecond: 150,
    losesNothing: true,
    inject: async ({ mesh }) => {
      // With one gateway only, the XMPP server would have no component while it restarts.
      const second = await mesh.replicate('gateway');
      for (const name of serviceNames.toReversed()) await mesh.services[name].restart();
      await second.stop();
      return noProblems;
    },
  },
  kill('gateway away', ({ services }) => services.gateway, { durationMs: 10_000 }),
  pushApi('refusing'),
  pushApi('failing'),
  pushApi('throttling', { opensCircuit: false }),
  // Long enough for calls to time out twice: by then the earlier successes have left the circuit's window.
  pushApi('slow', { durationMs: 20_000 }),
  pushApi('resetting'),
  pushApi('half failing', { opensCircuit: false }),
  redisErrors('OOM', ['CONFIG SET maxmemory 1'], ['CONFIG SET maxmemory 0']),
  redisErrors('READONLY', [`REPLICAOF ${unreachablePrimary}`], ['REPLICAOF NO ONE']),
  redisErrors(
    'MASTERDOWN',
    ['CONFIG SET replica-serve-stale-data no', `REPLICAOF ${unreachablePrimary}`],
    ['REPLICAOF NO ONE', 'CONFIG SET replica-serve-stale-data yes'],
  ),
  {
    name: 'NATS without JetStream',
    durationMs: 4_000,
    waits: true,
    mayRepeat: dispatcherInFlight,
    notReady: { gateway: /streams/, 'pubsub-push': /streams/, dispatcher: /streams/ },
    inject: async ({ mesh: { servers } }, _traffic, durationMs) => {
      servers.nats.useJetStream(false);
      await servers.nats.restart();
      await sleep(durationMs);
      servers.nats.useJetStream(true);
      await servers.nats.restart();
      return noProblems;
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
