export { startEjabberd, type EjabberdOptions } from './ejabberd.ts';
export { prepareServers, type Prefer } from './locate.ts';
export { startNats, type RunningNats } from './nats.ts';
export { choosePorts } from './ports.ts';
export { startProcess } from './process.ts';
export { startProsody, type ProsodyOptions } from './prosody.ts';
export { startRedis } from './redis.ts';
export type { Instance, Report, RunningServer, StartOptions } from './server.ts';
export type { RunningXmppServer, XmppServerOptions } from './xmpp.ts';
