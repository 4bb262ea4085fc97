import type { Static, TSchema } from 'typebox';
import { castError, castRequest } from '../../../services/push-service/src/api/cast-request.ts';
import type { Cast, CastError } from '../../../services/push-service/src/api/cast-request.ts';

type Property = { readonly enum?: readonly string[]; readonly minimum?: number; readonly maximum?: number };

/**
 * Casts the body of a call that makes the fakes misbehave. Unlike the push API, which words its errors as MongoosePush does,
 * it says which words there are, and takes no number out of its bounds.
 */
export const castCall = <S extends TSchema>(schema: S, body: unknown): Cast<Static<S>> => {
  const { properties = {} } = schema as { readonly properties?: Readonly<Record<string, Property>> };
  const read = castRequest(schema, body);
  if (!read.ok) return { ok: false, errors: read.errors.map((error) => withWords(error, properties)) };
  const errors = Object.entries(read.value as Readonly<Record<string, unknown>>).flatMap(([name, value]) => {
    const { minimum = -Infinity, maximum = Infinity } = properties[name] ?? {};
    if (typeof value !== 'number' || (value >= minimum && value <= maximum)) return [];
    const bounds = maximum === Infinity ? `${minimum} or more` : `${minimum} to ${maximum}`;
    return [castError(`${name} is ${value}; expected ${bounds}`, [name])];
  });
  return errors.length > 0 ? { ok: false, errors } : read;
};

const withWords = (error: CastError, properties: Readonly<Record<string, Property>>): CastError => {
  const words = properties[error.source.pointer.slice(1)]?.enum;
  return words && error.message === 'Invalid value for enum'
    ? { ...error, message: `${error.message}; expected one of ${words.join(', ')}` }
    : error;
};
