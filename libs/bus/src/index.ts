export { busOptionsOf, createBus } from './bus.ts';
export type { Bus, MessageContext } from './bus.ts';
export type { CommandHandler, NoReply } from './commands.ts';
export type { Lease } from './lease.ts';
export { openReader } from './look-back.ts';
export type { LookedBack, Reader } from './look-back.ts';
export { isStored } from './publisher.ts';
export type { Published } from './publisher.ts';
export type { Puller, Settlement } from './puller.ts';
