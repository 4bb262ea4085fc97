import type { Static, TSchema } from 'typebox';
import { withoutRawJson } from '../push/parse-json.ts';

/** One error in a request, as MongoosePush words it (the JSON errors of the OpenApiSpex library). */
export type CastError = {
  readonly message: string;
  readonly source: { readonly pointer: string };
  readonly title: 'Invalid value';
};

export type Cast<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errors: readonly CastError[] };

/**
 * Checks and casts a JSON value the way MongoosePush does: strings that spell an integer or boolean count as one, null never
 * fits, an unexpected field hides every other error, all missing fields are reported, but only the first of several wrong
 * fields (in the order of the schema).
 */
export const castRequest = <S extends TSchema>(schema: S, value: unknown): Cast<Static<S>> =>
  cast(schema, value, []) as Cast<Static<S>>;

export const castError = (message: string, path: Path): CastError => ({
  message,
  source: { pointer: `/${path.map(escapeStep).join('/')}` },
  title: 'Invalid value',
});

type Path = readonly (string | number)[];
type Type = 'string' | 'integer' | 'boolean' | 'array' | 'object';
type JsonSchema = {
  readonly type?: Type;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
};

const cast = (schema: JsonSchema, given: unknown, path: Path): Cast<unknown> => {
  // An enum without a type is a list of words.
  const type = schema.type ?? (schema.enum ? 'string' : undefined);
  if (!type) return { ok: true, value: given };
  const value = withoutRawJson(given);
  if (value === null) return fail(`null value where ${type} expected`, path);
  const result = casts[type](schema, value, path);
  return result.ok && schema.enum && !schema.enum.includes(result.value)
    ? fail('Invalid value for enum', path)
    : result;
};

const casts: Readonly<Record<Type, (schema: JsonSchema, value: unknown, path: Path) => Cast<unknown>>> = {
  string: (_schema, value, path) =>
    typeof value === 'string' ? { ok: true, value } : wrongType('string', value, path),

  boolean: (_schema, value, path) => {
    if (typeof value === 'boolean') return { ok: true, value };
    return value === 'true' || value === 'false'
      ? { ok: true, value: value === 'true' }
      : wrongType('boolean', value, path);
  },

  integer: ({ format }, value, path) => {
    const number = typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number)) return wrongType('integer', value, path);
    const fits = format !== 'int32' || (number >= -2_147_483_648 && number <= 2_147_483_647);
    return fits ? { ok: true, value: number } : fail('Invalid format. Expected :int32', path);
  },

  array: ({ items }, value, path) => {
    if (!Array.isArray(value)) return wrongType('array', value, path);
    const results = value.map((item: unknown, index) => cast(items ?? {}, item, [...path, index]));
    const errors = results.flatMap((result) => (result.ok ? [] : result.errors));
    return errors.length > 0
      ? { ok: false, errors }
      : { ok: true, value: results.map((each) => each.ok && each.value) };
  },

  object: ({ properties, required = [] }, value, path) => {
    if (typeof value !== 'object' || Array.isArray(value)) return wrongType('object', value, path);
    if (!properties) return { ok: true, value };
    return castFields(properties, required, value as Fields, path);
  },
};

type Fields = Readonly<Record<string, unknown>>;

const castFields = (
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
  fields: Fields,
  path: Path,
): Cast<unknown> => {
  const [unexpected] = Object.keys(fields)
    .filter((name) => !Object.hasOwn(properties, name))
    .toSorted();
  if (unexpected !== undefined) return fail(`Unexpected field: ${unexpected}`, [...path, unexpected]);

  const missing = required.filter((name) => !Object.hasOwn(fields, name));
  if (missing.length > 0)
    return { ok: false, errors: missing.map((name) => castError(`Missing field: ${name}`, [...path, name])) };

  const found: Record<string, unknown> = {};
  for (const name in properties) {
    if (!Object.hasOwn(fields, name)) continue;
    const result = cast(properties[name] as JsonSchema, fields[name], [...path, name]);
    if (!result.ok) return result;
    found[name] = result.value;
  }
  return { ok: true, value: found };
};

const fail = (message: string, path: Path): Cast<never> => ({ ok: false, errors: [castError(message, path)] });

const wrongType = (expected: Type, value: unknown, path: Path): Cast<never> =>
  fail(`Invalid ${expected}. Got: ${typeName(value)}`, path);

const typeName = (value: unknown): string => {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
};

// RFC 6901 §3
const escapeStep = (step: string | number): string => String(step).replaceAll('~', '~0').replaceAll('/', '~1');
