export { createAcceptPush } from './accept-push.ts';
export type { Acceptance, AcceptPush } from './accept-push.ts';
export type { Refusal, RefusalType } from './decision.ts';
export { dedupeKey, secretDigest, toDelivery } from './delivery.ts';
export type { Payload, PayloadFault, Push } from './push.ts';
export { storeDelivery } from './store.ts';
