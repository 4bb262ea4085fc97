/** Levels of nesting that are taken: no push service takes as many, and the recursion of JSON.stringify has an end. */
const maxDepth = 64;

/** The value of a JSON text; `undefined` when it is none or is nested too deeply. */
export const parseJson = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text);
    return isDeeper(value, maxDepth) ? undefined : value;
  } catch {
    return undefined;
  }
};

const isDeeper = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
};
