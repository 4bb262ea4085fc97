export { parseList, readCommandLine } from './args.ts';
export { problemOfAddress } from './address.ts';
export { ConfigError, orExit, readConfig } from './read.ts';
export type { Problem } from './problem.ts';
export type { Check } from './read.ts';
export { describeConfig } from './describe.ts';
export { groups } from './groups.ts';
export { unreadable } from './unreadable.ts';
