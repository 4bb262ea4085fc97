export { busOptionsOf, createBus } from './bus.ts';
export type { Bus, CommandHandler, MessageContext, NoReply } from './bus.ts';
export type { Lease } from './lease.ts';
export { isStored } from './publisher.ts';
export type { Published } from './publisher.ts';
export type { Puller, Settlement } from './puller.ts';
