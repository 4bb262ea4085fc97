export { parseList, readCommandLine } from './args.ts';
export { problemOfAddress } from './address.ts';
export { ConfigError, orExit, readConfig } from './read.ts';
export type { Check, Problem } from './read.ts';
export { describeConfig } from './describe.ts';
export { groups } from './groups.ts';
export { unreadable } from './unreadable.ts';
