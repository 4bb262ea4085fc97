import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

/** The value of a message, or where the bytes do not fit the schema and what was expected there. */
export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

/** A message of the mesh, with the only way from and to bytes. */
export type Message<T> = {
  readonly name: string;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): Decoded<T>;
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A message by its schema. Decoding validates everything once; `why` never quotes the message. */
export const message = <S extends TSchema>(name: string, schema: S): Message<Static<S>> => {
  const validator = Compile(schema);
  return {
    name,
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (data) => {
      const parsed = parse(data);
      if (parsed === undefined) return { ok: false, why: `${name}: not JSON` };
      if (validator.Check(parsed)) return { ok: true, value: parsed };
      const [first] = validator.Errors(parsed);
      return { ok: false, why: `${name}${first?.instancePath ?? ''}: ${first?.message ?? 'does not fit the schema'}` };
    },
  };
};

const parse = (data: Uint8Array): unknown => {
  try {
    return JSON.parse(utf8.decode(data)) as unknown;
  } catch {
    return undefined;
  }
};
