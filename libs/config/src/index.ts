export { readCommandLine, someOf } from './args.ts';
export { ConfigError, orExit, readConfig } from './read.ts';
export type { Problem } from './read.ts';
export { describeConfig } from './describe.ts';
export { groups } from './groups.ts';
export { unreadable } from './unreadable.ts';
