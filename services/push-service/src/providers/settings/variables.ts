import { Type } from 'typebox';

// The kinds of variables that providers have in common.

export const flag = (description: string) => Type.Boolean({ default: false, description, examples: [true] });

export const word = (description: string, example: string) =>
  Type.Optional(Type.String({ description, examples: [example] }));

export const path = (description: string, example: string) =>
  Type.Optional(Type.String({ path: true, description, examples: [example] }));

/** The maximum number of connections of a pool, unless it says otherwise. */
export const poolSize = 5;

export const poolSizeOf = (what: string) =>
  Type.Integer({
    default: poolSize,
    minimum: 1,
    maximum: 100,
    description: `the maximum number of connections to ${what}`,
    examples: [5],
  });

/** A host, with a port if it is not the usual one. */
export const hostPattern = '^[A-Za-z0-9.-]+(:[0-9]{1,5})?$';
