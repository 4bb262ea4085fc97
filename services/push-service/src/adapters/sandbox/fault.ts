import { modes, pushServices } from '@pushmesh/contracts';
import type { Mode, PushService } from '@pushmesh/contracts';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { castError, castRequest } from '../../domain/cast-request.ts';
import type { Cast } from '../../domain/cast-request.ts';
import { slow } from './device-token.ts';
import type { Act } from './device-token.ts';

const Fault = Type.Object(
  {
    answer: Type.Enum(['unavailable', 'throttled', 'slow', 'reset']),
    /** All push services when absent. */
    service: Type.Optional(Type.Enum([...pushServices])),
    /** Both modes when absent. */
    mode: Type.Optional(Type.Enum([...modes])),
    /** Milliseconds, for `slow`. */
    ms: Type.Optional(Type.Integer()),
  },
  { additionalProperties: false },
);

/** An outage to play: the same answer for every token of a push service and mode. */
export type Fault = Static<typeof Fault>;

export const readFault = (body: unknown): Cast<Fault> => {
  const fault = castRequest(Fault, body);
  if (!fault.ok || fault.value.answer !== 'slow' || fault.value.ms !== undefined) return fault;
  return { ok: false, errors: [castError('Missing field: ms', ['ms'])] };
};

/** What the fault makes the sandbox do, if it is about this push service and mode. */
export const actOfFault = (fault: Fault | undefined, service: PushService, mode: Mode): Act | undefined => {
  if (!fault || (fault.service ?? service) !== service || (fault.mode ?? mode) !== mode) return undefined;
  return fault.answer === 'slow' ? slow(fault.ms ?? 0) : { type: fault.answer };
};
