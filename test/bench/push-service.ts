import { choosePorts } from '@pushmesh/servers';
import { startEnvironment } from '../harness/environment.ts';
import { runLoad } from '../harness/load.ts';
import { startFakesProcess } from './fakes.ts';
import { measureUse, warmUp } from './measure.ts';
import type { BenchOptions, Figure } from './measure.ts';
import { createPushRequests } from './push-requests.ts';

/** Requests of the MongoosePush API against the sandbox, whose fakes are a thread of the process that is measured. */
export const pushServiceBench = (options: BenchOptions): Promise<readonly Figure[]> =>
  measure(options, {
    name: 'push_service.requests_per_s',
    service: 'fcm',
    callers: [1, 10, 100],
    prepare: async () => ({ env: {}, stop: async () => {} }),
  });

/** The same against a fake provider in another process (`npm run fakes`): HTTP/2 over TLS, with OAuth or provider tokens. */
export const providerBench =
  (service: 'fcm' | 'apns') =>
  (options: BenchOptions): Promise<readonly Figure[]> =>
    measure(options, {
      name: `push_service.${service}`,
      service,
      callers: [1, 10, 50, 100, 200],
      prepare: startFakesProcess,
    });

type Subject = {
  readonly name: string;
  readonly service: 'fcm' | 'apns';
  /** One figure for each number of concurrent callers. */
  readonly callers: readonly number[];
  /** Starts what push-service talks to, and returns the variables for it. */
  readonly prepare: (options: BenchOptions) => Promise<{
    readonly env: Readonly<Record<string, string>>;
    readonly stop: () => Promise<void>;
  }>;
};

/** Pushes that a dispatcher has in flight with its default `CONCURRENCY`. */
const dispatcherInFlight = 64;

const measure = async (options: BenchOptions, { name, service, callers, prepare }: Subject) => {
  const environment = await startEnvironment(options);
  const { http } = await choosePorts({ http: undefined }, options.report);
  const requests = createPushRequests(http, service);
  const prepared = await prepare(options);
  try {
    const { ops } = await environment.start('push-service', { ...prepared.env, HTTP_PORT: String(http) });
    const figureOf = async (
      how: string,
      count: number,
      concurrency: number,
      post: (index: number) => Promise<boolean>,
    ): Promise<Figure> => {
      const operations = Math.round(count * options.scale);
      const { result, used } = await measureUse({ 'push-service': ops }, operations, () =>
        runLoad(operations, concurrency, post),
      );
      return { name: `${name} (${how})`, run: result, used };
    };
    const figures: Figure[] = [];
    await runLoad(warmUp, 100, requests.post);
    for (const each of callers)
      figures.push(await figureOf(`${each} callers`, each === 1 ? 3_000 : 10_000, each, requests.post));
    await runLoad(warmUp, dispatcherInFlight, requests.postBatched);
    const batched = `${dispatcherInFlight} at once, several in a request`;
    figures.push(await figureOf(batched, 20_000, dispatcherInFlight, requests.postBatched));
    return figures;
  } finally {
    requests.close();
    await environment.stop();
    await prepared.stop();
  }
};
