/** Levels of nesting that are taken: no push service takes as many, and the recursion of JSON.stringify has an end. */
export const maxDepth = 64;

/** The value of a JSON text; `undefined` when it is none or is nested too deeply. */
export const parseJson = (text: string, depth = maxDepth): unknown => {
  try {
    const value: unknown = JSON.parse(text);
    return isDeeper(value, depth) ? undefined : value;
  } catch {
    return undefined;
  }
};

const isDeeper = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const name in value) if (isDeeper((value as Readonly<Record<string, unknown>>)[name], levels - 1)) return true;
  return false;
};
