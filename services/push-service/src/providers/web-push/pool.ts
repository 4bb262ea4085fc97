import { modes } from '@pushmesh/contracts';
import { createEndpoints } from './endpoints.ts';
import { createOriginCircuits } from './origin-circuits.ts';
import { createWebPushProvider } from './provider.ts';
import { createVapid } from './vapid.ts';
import type { WebPushSettings } from './settings.ts';

type Deps = {
  /** From the call to the answer. */
  readonly timeoutMs: number;
  /** PEM of authorities to trust instead of Node’s own: the fakes have one. */
  readonly ca?: string;
  /** Called with how many push services are out when that changes. */
  readonly onOut?: (count: number) => void;
};

/** Pushes under way at a time: to all push services, and to one of them. */
const maxInFlight = 1_000;
/** Half of the slots that a dispatcher has for its lane, so that a slow one leaves room for the others. */
const maxInFlightPerOrigin = 32;
const maxIdle = 256;
const forgetEveryMs = 60_000;

/** Web Push, which knows no environments: a request for either of them goes the same way. */
export const createWebPush = ({ identity, allowPrivate }: WebPushSettings, { timeoutMs, ca, onOut }: Deps) => {
  const clock = Date.now;
  const endpoints = createEndpoints({
    timeoutMs,
    maxInFlight,
    maxInFlightPerOrigin,
    maxIdle,
    allowPrivate,
    ...(ca !== undefined && { ca }),
  });
  const circuits = createOriginCircuits({ clock, random: Math.random, tryMs: timeoutMs, ...(onOut && { onOut }) });
  const timer = setInterval(circuits.forgetUnused, forgetEveryMs).unref();
  const shared = { tags: [], endpoints, circuits, vapid: createVapid({ identity, clock }), clock };

  return {
    providers: modes.map((mode) => createWebPushProvider({ mode, ...shared })),
    close: () => {
      clearInterval(timer);
      endpoints.close();
    },
  };
};
