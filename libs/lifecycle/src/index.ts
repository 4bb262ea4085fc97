export { ListenError, listenOn } from './listen.ts';
export type { Resource } from './run.ts';
export { runService } from './run-service.ts';
