/** Deeper values are refused, because the recursion of `JSON.stringify` would overflow the stack. */
const maxDepth = 64;

/** The value of a JSON text; `undefined` if it is not JSON, or is nested too deeply. */
export const parseJson = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text);
    return isDeeper(value, maxDepth) ? undefined : value;
  } catch {
    return undefined;
  }
};

/** The fields of a JSON object; none if the value is anything else. */
export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

/** The fields of one part of a JWT, base64url-encoded JSON (RFC 7519 §3). */
export const parseJwtPart = (part: string): Readonly<Record<string, unknown>> =>
  fieldsOf(parseJson(Buffer.from(part, 'base64url').toString()));

const isDeeper = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const name in value) if (isDeeper((value as Readonly<Record<string, unknown>>)[name], levels - 1)) return true;
  return false;
};
