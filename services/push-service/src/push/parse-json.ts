/** Accepted levels of nesting: more than any push service accepts, and few enough for the recursion of JSON.stringify. */
export const maxDepth = 64;

/** The value of a JSON text; `undefined` if it is not JSON or is nested too deeply. */
export const parseJson = (text: string, depth = maxDepth): unknown => {
  try {
    const value: unknown = JSON.parse(text);
    return isDeeper(value, depth) ? undefined : value;
  } catch {
    return undefined;
  }
};

/**
 * The same for a text that is passed on: a number that JavaScript would write differently (`12345678901234567890`, `1.0`,
 * `1e999`) becomes a `RawJson`, which JSON.stringify writes as it came.
 */
export const parseJsonToPassOn = (text: string, depth = maxDepth): unknown => {
  const value = parseJson(text, depth);
  return value !== undefined && perhapsRewritten.test(text) ? JSON.parse(text, keepAsWritten) : value;
};

const isDeeper = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const name in value) if (isDeeper((value as Readonly<Record<string, unknown>>)[name], levels - 1)) return true;
  return false;
};

/** A number as its JSON text spells it. */
type RawJson = { readonly rawJSON: string };

// In ECMA-262 §25.5 since 2026 ("JSON.parse source text access"), in Node.js since 22; TypeScript does not know them yet.
const { rawJSON, isRawJSON } = JSON as JSON & {
  readonly rawJSON: (text: string) => RawJson;
  readonly isRawJSON: (value: unknown) => value is RawJson;
};

/** The JavaScript number of a `RawJson`; any other value as it is. */
export const withoutRawJson = (value: unknown): unknown => (isRawJSON(value) ? Number(value.rawJSON) : value);

// A reviver takes several times as long, so only texts that may hold such a number get one. A false match costs only time.
const perhapsRewritten = /[:,[\s](?:-?\d+[.eE]|-?\d{16}|-0)/;

const keepAsWritten = (_name: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
    ? rawJSON(context.source)
    : value;
