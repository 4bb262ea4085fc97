import { modes } from '@pushmesh/contracts';
import type { Mode } from '@pushmesh/contracts';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { castError } from '../../../services/push-service/src/api/cast-request.ts';
import type { Cast } from '../../../services/push-service/src/api/cast-request.ts';
import { maxSlowMs, readAct } from './behaviour.ts';
import type { Act } from './behaviour.ts';
import { castCall } from './cast-body.ts';

/** What there is a fake of. */
const fakeServices = ['apns', 'fcm', 'webpush'] as const;
export type FakeService = (typeof fakeServices)[number];

const Fault = Type.Object(
  {
    /** An act, in the words of a token: `unavailable`, `throttled.date`, `slow.20-80`. */
    answer: Type.String(),
    /** All when absent. */
    service: Type.Optional(Type.Enum([...fakeServices])),
    /** Both modes when absent. */
    mode: Type.Optional(Type.Enum([...modes])),
    /** All devices when absent. */
    token: Type.Optional(Type.String()),
    /** Milliseconds, for `slow`. */
    ms: Type.Optional(Type.Integer()),
    /** For so many requests; without end when absent. */
    times: Type.Optional(Type.Integer({ minimum: 1 })),
    /** For so many of a hundred requests, by chance; for all when absent. */
    percent: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  },
  { additionalProperties: false },
);

/** An outage to play: the same act for every request that it is about. */
export type Fault = Static<typeof Fault>;

/** Those that have no modes: FCM has projects, and no environments. */
const withoutMode: ReadonlySet<FakeService> = new Set(['fcm', 'webpush']);

/** Refuses a mode beside a service that has none: it would be about nothing. */
export const refuseMode = <T>(read: Cast<T>): Cast<T> => {
  if (!read.ok) return read;
  const { service, mode } = read.value as { readonly service?: FakeService; readonly mode?: Mode };
  if (mode === undefined || service === undefined || !withoutMode.has(service)) return read;
  return { ok: false, errors: [castError(`${service} has no modes here; leave mode out`, ['mode'])] };
};

/** One fault from JSON, or what is wrong with it. */
export const readFault = (body: unknown): Cast<Fault> => {
  const fault = refuseMode(castCall(Fault, body));
  if (!fault.ok) return fault;
  const { answer, ms } = fault.value;
  if (answer === 'slow' && ms === undefined) return { ok: false, errors: [castError('Missing field: ms', ['ms'])] };
  const act = actOfFault(fault.value);
  return act.type === 'mistaken' ? { ok: false, errors: [castError(act.why, ['answer'])] } : fault;
};

const actOfFault = ({ answer, ms = 0 }: Fault): Act =>
  readAct(answer === 'slow' ? `slow.${Math.min(Math.max(ms, 0), maxSlowMs)}` : answer);

/** Whom a request is for. `mode` is unknown where a service knows none. */
export type Addressed = { readonly service: FakeService; readonly mode: Mode | undefined; readonly token: string };

/** The faults that are played now; the first that is about a request is played. */
export const createFaults = (random: () => number = Math.random) => {
  let playing: { readonly fault: Fault; readonly act: Act; left: number }[] = [];

  const isAbout = ({ service, mode, token }: Fault, request: Addressed): boolean =>
    (service ?? request.service) === request.service &&
    (mode ?? request.mode) === request.mode &&
    (token ?? request.token) === request.token;

  return {
    /** In place of those before, an empty list ends them. They are such as `readFault` found right. */
    set: (faults: readonly Fault[]): void => {
      playing = faults.map((fault) => {
        const act = actOfFault(fault);
        if (act.type === 'mistaken') throw new Error(act.why);
        return { fault, act, left: fault.times ?? Number.POSITIVE_INFINITY };
      });
    },
    /** Those that are not over. */
    list: (): readonly Fault[] => playing.flatMap(({ fault, left }) => (left > 0 ? [fault] : [])),
    /** What is to be played for this request; `undefined` leaves it to the token. */
    actFor: (request: Addressed): Act | undefined => {
      if (playing.length === 0) return undefined;
      const found = playing.find(
        ({ fault, left }) => left > 0 && isAbout(fault, request) && random() * 100 < (fault.percent ?? 100),
      );
      if (found) found.left -= 1;
      return found?.act;
    },
  };
};

export type Faults = ReturnType<typeof createFaults>;
