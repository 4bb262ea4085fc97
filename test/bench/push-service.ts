import { choosePorts } from '@pushmesh/servers';
import type { BenchOptions, Figure } from './bench.ts';
import { startFakesProcess } from './fakes.ts';
import { load, used, warmUp } from './measure.ts';
import { createPushRequests } from './push-request.ts';
import { openStage } from '../harness/environment.ts';

type Measured = {
  readonly name: string;
  readonly service: 'fcm' | 'apns';
  readonly callers: readonly number[];
  /** The variables of push-service, and what must run for them. */
  readonly prepare: (options: BenchOptions) => Promise<{
    readonly env: Readonly<Record<string, string>>;
    readonly stop: () => Promise<void>;
  }>;
};

/** What a dispatcher has under way with its default `CONCURRENCY`. */
const together = 64;

const measure = async (options: BenchOptions, measured: Measured): Promise<readonly Figure[]> => {
  const { name, service, callers: steps, prepare } = measured;
  const stage = await openStage(options);
  const { http } = await choosePorts({ http: undefined }, options.report);
  const requests = createPushRequests(http, service);
  const prepared = await prepare(options);
  try {
    const running = await stage.start('push-service', { ...prepared.env, HTTP_PORT: String(http) });
    const figures: Figure[] = [];
    await load(warmUp, 100, requests.post);
    for (const callers of steps) {
      const count = Math.round((callers === 1 ? 3_000 : 10_000) * options.scale);
      const { result, used: cost } = await used({ 'push-service': running.ops }, count, () =>
        load(count, callers, requests.post),
      );
      figures.push({ name: `${name} (${callers} callers)`, run: result, used: cost });
    }
    const count = Math.round(20_000 * options.scale);
    await load(warmUp, together, requests.postTogether);
    const { result, used: cost } = await used({ 'push-service': running.ops }, count, () =>
      load(count, together, requests.postTogether),
    );
    figures.push({ name: `${name} (${together} at once, several in a request)`, run: result, used: cost });
    return figures;
  } finally {
    requests.close();
    await stage.close();
    await prepared.stop();
  }
};

/** Requests of the MongoosePush API against the sandbox: the fakes are a thread of the process that is measured. */
export const pushServiceBench = (options: BenchOptions): Promise<readonly Figure[]> =>
  measure(options, {
    name: 'push_service.requests_per_s',
    service: 'fcm',
    callers: [1, 10, 100],
    prepare: async () => ({ env: {}, stop: async () => {} }),
  });

/** The same against a fake provider in another process (`npm run fakes`): HTTP/2 over TLS, OAuth or provider tokens. */
export const providerBench =
  (service: 'fcm' | 'apns') =>
  (options: BenchOptions): Promise<readonly Figure[]> =>
    measure(options, {
      name: `push_service.${service}`,
      service,
      callers: [1, 10, 50, 100, 200],
      prepare: startFakesProcess,
    });
