export { backOffMs } from './back-off.ts';
export type { BackOff, Jitter } from './back-off.ts';
export { createBatcher } from './batch.ts';
export { atEndOfTurn, endOfTurn } from './end-of-turn.ts';
export { createInFlight } from './in-flight.ts';
export type { InFlight } from './in-flight.ts';
export { createSlots } from './slots.ts';
export type { Slots } from './slots.ts';
