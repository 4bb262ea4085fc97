export * from './commands.ts';
export * from './events.ts';
export * from './message.ts';
export * from './options.ts';
export * from './outcome.ts';
export * from './push-api.ts';
export * from './text.ts';
export * from './topology.ts';
