export { ListenError, listenOn } from './listen.ts';
export { createOpsServer } from './ops-server.ts';
export { run } from './run.ts';
export type { Resource } from './run.ts';
