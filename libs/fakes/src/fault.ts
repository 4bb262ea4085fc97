import { modes } from '@pushmesh/contracts';
import type { Mode } from '@pushmesh/contracts';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { maxDelayMs, parseBehaviour } from './behaviour.ts';
import type { Behaviour } from './behaviour.ts';
import { castBody, castError } from './cast-body.ts';
import type { Cast } from './cast-body.ts';

/** The push services that have a fake. */
const fakeServices = ['apns', 'fcm', 'webpush'] as const;
export type FakeService = (typeof fakeServices)[number];

const Fault = Type.Object(
  {
    /** A behaviour, spelled as the prefix of a token: `unavailable`, `throttled.date`, `slow.20-80`. */
    answer: Type.String(),
    /** If absent, the fault covers all of them. */
    service: Type.Optional(Type.Enum([...fakeServices])),
    /** If absent, the fault covers both modes. */
    mode: Type.Optional(Type.Enum([...modes])),
    /** A device token; if absent, the fault covers all devices. */
    token: Type.Optional(Type.String()),
    /** Milliseconds, for `slow`. */
    ms: Type.Optional(Type.Integer()),
    /** The number of requests after which the fault is over; if absent, it does not end. */
    times: Type.Optional(Type.Integer({ minimum: 1 })),
    /** The share of requests that it hits, by chance; if absent, all of them. */
    percent: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  },
  { additionalProperties: false },
);

/** A simulated outage: the same behaviour for every request that it covers. */
export type Fault = Static<typeof Fault>;

/** The fault in a JSON value, or what is wrong with it. */
export const readFault = (body: unknown): Cast<Fault> => {
  const fault = refuseMode(castBody(Fault, body));
  if (!fault.ok) return fault;
  const { answer, ms } = fault.value;
  if (answer === 'slow' && ms === undefined) return { ok: false, errors: [castError('Missing field: ms', 'ms')] };
  const behaviour = behaviourOfFault(fault.value);
  return behaviour.type === 'mistaken' ? { ok: false, errors: [castError(behaviour.why, 'answer')] } : fault;
};

/** Refuses a `mode` with a service that has no modes, where it would have no effect. */
export const refuseMode = <T extends object>(cast: Cast<T>): Cast<T> => {
  if (!cast.ok) return cast;
  const { service, mode } = cast.value as { readonly service?: FakeService; readonly mode?: Mode };
  if (mode === undefined || service === undefined || !withoutMode.has(service)) return cast;
  return { ok: false, errors: [castError(`${service} has no modes here; leave mode out`, 'mode')] };
};

/** Only APNs has environments. */
const withoutMode: ReadonlySet<FakeService> = new Set(['fcm', 'webpush']);

const behaviourOfFault = ({ answer, ms = 0 }: Fault): Behaviour =>
  parseBehaviour(answer === 'slow' ? `slow.${Math.min(Math.max(ms, 0), maxDelayMs)}` : answer);

/** What a fault is matched against; `mode` is undefined if the service has none. */
type Target = { readonly service: FakeService; readonly mode: Mode | undefined; readonly token: string };

/** The active faults. The first one that covers a request applies. */
export const createFaults = (random: () => number = Math.random) => {
  let active: { readonly fault: Fault; readonly behaviour: Behaviour; left: number }[] = [];

  return {
    /**
     * Replaces the active faults; an empty list ends them.
     *
     * @throws if `readFault` would refuse one of them
     */
    set: (faults: readonly Fault[]): void => {
      active = faults.map((fault) => {
        const behaviour = behaviourOfFault(fault);
        if (behaviour.type === 'mistaken') throw new Error(behaviour.why);
        return { fault, behaviour, left: fault.times ?? Number.POSITIVE_INFINITY };
      });
    },
    /** The faults that are not over. */
    list: (): readonly Fault[] => active.flatMap(({ fault, left }) => (left > 0 ? [fault] : [])),
    /** The behaviour for this request; `undefined` if no fault covers it and its token decides. */
    behaviourFor: (target: Target): Behaviour | undefined => {
      if (active.length === 0) return undefined;
      const found = active.find(
        ({ fault, left }) => left > 0 && covers(fault, target) && random() * 100 < (fault.percent ?? 100),
      );
      if (found) found.left -= 1;
      return found?.behaviour;
    },
  };
};

export type Faults = ReturnType<typeof createFaults>;

const covers = ({ service, mode, token }: Fault, target: Target): boolean =>
  (service ?? target.service) === target.service &&
  (mode ?? target.mode) === target.mode &&
  (token ?? target.token) === target.token;
