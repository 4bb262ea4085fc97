import type { Writable } from 'node:stream';
import type { Resource } from '@pushmesh/lifecycle';
import type { ConnectionDetails, Fault, Received } from '@pushmesh/fakes';
import type { Provider } from '../push/provider.ts';
import { createEvents } from './events.ts';
import { startFakesThread } from './fakes-thread.ts';
import type { Bounds, FakesThread } from './fakes-thread.ts';
import type { PushServiceMetrics } from '../metrics.ts';

type Options = Bounds & {
  readonly maxSubscribers: number;
  /** The real providers, connected to the fakes. */
  readonly providersOf: (fakes: ConnectionDetails) => {
    readonly providers: readonly Provider[];
    readonly resource: Pick<Required<Resource>, 'start' | 'stop'>;
  };
  readonly metrics: Pick<PushServiceMetrics, 'sandboxEvicted'>;
};

const openMs = 20_000;

/**
 * Replaces the push services if no credentials are configured: fakes of them in a thread of this process, the providers
 * that push to these, and the phones with the notifications that arrived.
 */
export const openSandbox = async ({ maxSubscribers, providersOf, metrics, ...bounds }: Options) => {
  const events = createEvents({ maxSubscribers, maxWaitingBytes: 1_048_576, heartbeatMs: 15_000 });
  const onReceived = (received: Received) => {
    if (events.isEmpty())
      thread.ask({ type: 'listen', on: false }).catch(() => {}); // The next notification asks again.
    else events.publish(received.id, received);
  };
  const onEvicted = (count: number) => metrics.sandboxEvicted.inc(count);
  const thread: FakesThread = await startFakesThread({ bounds, onReceived, onEvicted });
  const { providers, resource } = providersOf(thread.connectionDetails);

  const missing = () => {
    const failure = thread.failure();
    if (failure !== undefined) return `${failure}; start push-service again`;
    const disconnected = providers.find((provider) => provider.connections().connected === 0);
    return disconnected && `no connection to the fake of ${disconnected.service}`;
  };

  return {
    providers,
    /** All phones, the most recent receiver first. */
    phones: () => thread.ask({ type: 'phones' }),
    /** The notifications of a phone, oldest first. */
    phone: (deviceId: string) => thread.ask({ type: 'phone', deviceId }),
    /** Why the prefix of this device token is invalid; `undefined` for a valid token. */
    mistakeIn: (deviceId: string) => thread.ask({ type: 'mistake', deviceId }),
    /** The JSON text of a new Web Push subscription for this device. */
    subscription: (deviceId: string) => thread.ask({ type: 'subscribe', deviceId }),
    isFull: events.isFull,
    /** Sends everything that arrives after the welcome to this subscriber, as server-sent events. */
    subscribe: async (subscriber: Writable): Promise<void> => {
      events.subscribe(subscriber);
      await thread.ask({ type: 'listen', on: true }).then(
        () => subscriber.write(': welcome\n\n'),
        () => subscriber.destroy(),
      );
    },
    /** The active faults, which override the prefixes of tokens. */
    faults: () => thread.ask({ type: 'faults' }),
    /** The fault in a JSON value, or what is wrong with it. */
    readFault: (body: unknown) => thread.ask({ type: 'read-fault', body }),
    /** @param faults such as `readFault` returned; any other ends the thread */
    setFaults: (faults: readonly Fault[]) => thread.ask({ type: 'set-faults', faults }),
    /** Ends the event streams and the delays of simulated answers. */
    drain: async (): Promise<void> => {
      events.close();
      // If the thread has ended, nothing is delayed.
      await thread.ask({ type: 'end-delays' }).catch(() => {});
    },
    resource: {
      name: 'sandbox',
      start: async () => {
        await resource.start();
        // The fakes are only a thread away, so the sandbox can wait until it is able to push.
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
