import type { TProperties } from 'typebox';

/** Variables that are set and have no effect: why, and what to do about it. */
export type Unused = { readonly variables: readonly string[]; readonly why: string };

/** Those of `names` that are set, in the order of `schema`. A variable with its default value does not count as set. */
export const setVariables = (
  schema: TProperties,
  values: Readonly<Record<string, unknown>>,
  names: readonly string[],
): readonly string[] =>
  Object.entries(schema)
    .filter(([variable, key]) => {
      const usual: unknown = 'default' in key ? key.default : undefined;
      return names.includes(variable) && values[variable] !== usual;
    })
    .map(([variable]) => variable);
