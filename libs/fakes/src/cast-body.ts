import type { Static, TObject } from 'typebox';

/** One error of a request body, as answers list it. */
export type CastError = {
  readonly message: string;
  /** `pointer` is a JSON Pointer (RFC 6901) to the field. */
  readonly source: { readonly pointer: string };
  readonly title: 'Invalid value';
};

export type Cast<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errors: readonly CastError[] };

/**
 * Checks a request body against a schema of strings, words (`enum`) and integers. An integer may come as a string of
 * digits. The first of these is reported: a body that is not an object, an unexpected field, all missing fields, the
 * first field of a wrong type, all integers out of bounds.
 */
export const castBody = <S extends TObject>(schema: S, body: unknown): Cast<Static<S>> => {
  const cast = castFields(schema, body);
  if (!cast.ok) return cast;
  const errors = boundErrors(schema, cast.value);
  return errors.length > 0 ? { ok: false, errors } : { ok: true, value: cast.value as Static<S> };
};

export const castError = (message: string, field = ''): CastError => ({
  message,
  // RFC 6901 §3
  source: { pointer: `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}` },
  title: 'Invalid value',
});

/** What `castBody` reads of a schema. */
type BodySchema = {
  readonly properties: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
};
type FieldSchema = {
  readonly type?: 'string' | 'integer';
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
};
type Fields = Readonly<Record<string, unknown>>;

const castFields = ({ properties, required = [] }: BodySchema, body: unknown): Cast<Fields> => {
  if (body === null) return failed('null value where object expected');
  if (typeof body !== 'object' || Array.isArray(body)) return failed(`Invalid object. Got: ${typeName(body)}`);
  const fields = body as Fields;

  const [unexpected] = Object.keys(fields)
    .filter((name) => !Object.hasOwn(properties, name))
    .toSorted();
  if (unexpected !== undefined) return failed(`Unexpected field: ${unexpected}`, unexpected);

  const missing = required.filter((name) => !Object.hasOwn(fields, name));
  if (missing.length > 0)
    return { ok: false, errors: missing.map((name) => castError(`Missing field: ${name}`, name)) };

  const found: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(properties)) {
    if (!Object.hasOwn(fields, name)) continue;
    const cast = castField(schema, fields[name], name);
    if (!cast.ok) return cast;
    found[name] = cast.value;
  }
  return { ok: true, value: found };
};

const castField = (schema: FieldSchema, value: unknown, name: string): Cast<unknown> => {
  const type = schema.type ?? 'string';
  if (value === null) return failed(`null value where ${type} expected`, name);
  const cast = type === 'integer' && typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : value;
  const fits = type === 'integer' ? Number.isInteger(cast) : typeof cast === 'string';
  if (!fits) return failed(`Invalid ${type}. Got: ${typeName(value)}`, name);
  if (schema.enum && !schema.enum.includes(cast as string))
    return failed(`Invalid value for enum; expected one of ${schema.enum.join(', ')}`, name);
  return { ok: true, value: cast };
};

const boundErrors = ({ properties }: BodySchema, fields: Fields): readonly CastError[] =>
  Object.entries(fields).flatMap(([name, value]) => {
    const { minimum = -Infinity, maximum = Infinity } = properties[name] ?? {};
    if (typeof value !== 'number' || (value >= minimum && value <= maximum)) return [];
    const bounds = maximum === Infinity ? `${minimum} or more` : `${minimum} to ${maximum}`;
    return [castError(`${name} is ${value}; expected ${bounds}`, name)];
  });

const failed = (message: string, field?: string): Cast<never> => ({ ok: false, errors: [castError(message, field)] });

const typeName = (value: unknown): string => {
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
};
