import type { Writable } from 'node:stream';
import type { Resource } from '@pushmesh/lifecycle';
import type { KnownOfFakes } from '../../../../libs/fakes/src/start-fakes.ts';
import type { Fault } from '../../../../libs/fakes/src/fault.ts';
import type { Received } from '../../../../libs/fakes/src/received.ts';
import type { Provider } from '../push/provider.ts';
import { createEvents } from './events.ts';
import { startFakesThread } from './fakes-thread.ts';
import type { Bounds, FakesThread } from './fakes-thread.ts';
import type { PushServiceMetrics } from '../metrics.ts';

type Options = Bounds & {
  readonly maxSubscribers: number;
  /** The providers as they are in service, pointed at the fakes. */
  readonly providersOf: (known: KnownOfFakes) => {
    readonly providers: readonly Provider[];
    readonly resource: Pick<Required<Resource>, 'start' | 'stop'>;
  };
  readonly metrics: Pick<PushServiceMetrics, 'sandboxEvicted'>;
};

const openMs = 20_000;

/**
 * What stands for the providers where there are no credentials: fakes of them on a thread of this process, the providers that
 * push to them, and the phones with what arrived there.
 */
export const openSandbox = async ({ maxSubscribers, providersOf, metrics, ...bounds }: Options) => {
  const events = createEvents({ maxSubscribers, maxWaitingBytes: 1_048_576, heartbeatMs: 15_000 });
  const onReceived = (received: Received) => {
    if (events.isEmpty())
      thread.ask({ type: 'listen', on: false }).catch(() => {}); // told again with the next
    else events.publish(received.id, received);
  };
  const onEvicted = (count: number) => metrics.sandboxEvicted.inc(count);
  const thread: FakesThread = await startFakesThread({ bounds, onReceived, onEvicted });
  const { providers, resource } = providersOf(thread.known);

  const missing = () => {
    const failure = thread.failure();
    if (failure !== undefined) return `${failure}; start push-service again`;
    const dark = providers.find((provider) => provider.connections().connected === 0);
    return dark && `no connection to the fake of ${dark.service}`;
  };

  return {
    providers,
    /** All phones, the one that got something last comes first. */
    phones: () => thread.ask({ type: 'phones' }),
    /** What the phone got, eldest first. */
    phone: (deviceId: string) => thread.ask({ type: 'phone', deviceId }),
    /** The JSON text of a new Web Push subscription of this device. */
    subscription: (deviceId: string) => thread.ask({ type: 'subscribe', deviceId }),
    isFull: events.isFull,
    /** Gets everything that arrives after the welcome, as server-sent events. */
    subscribe: async (subscriber: Writable): Promise<void> => {
      events.subscribe(subscriber);
      await thread.ask({ type: 'listen', on: true }).then(
        () => subscriber.write(': welcome\n\n'),
        () => subscriber.destroy(),
      );
    },
    /** What is played now, whatever the tokens choose. */
    faults: () => thread.ask({ type: 'faults' }),
    play: (faults: readonly Fault[]) => thread.ask({ type: 'play', faults }),
    /** Ends the event streams and answers everything that waits. */
    hurry: async (): Promise<void> => {
      events.close();
      // Where the thread is gone nothing waits there.
      await thread.ask({ type: 'hurry' }).catch(() => {});
    },
    resource: {
      name: 'sandbox',
      start: async () => {
        await resource.start();
        // They are a thread away, so nobody has to see a sandbox that cannot push yet.
        const giveUpAt = Date.now() + openMs;
        while (missing() && Date.now() < giveUpAt) await new Promise((resolve) => setTimeout(resolve, 5));
      },
      missing,
      stop: async () => {
        await resource.stop();
        await thread.stop();
      },
    } satisfies Resource,
  };
};

export type Sandbox = Awaited<ReturnType<typeof openSandbox>>;
