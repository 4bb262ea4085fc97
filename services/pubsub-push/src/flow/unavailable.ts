import type { CommandHandler, MessageContext, Settlement } from '@pushmesh/bus';
import type { Command, CommandType, Reply } from '@pushmesh/contracts';
import { createThrottle, traceIdOf } from '@pushmesh/telemetry';
import type { Log } from '@pushmesh/telemetry';
import { StoreUnavailable } from '../ports.ts';
import type { PubsubPushMetrics } from '../metrics.ts';

type Commands = <K extends CommandType>(type: K, command: Command<K>) => Promise<Reply>;

/** Answers commands, with `unavailable` if the store is unavailable. Any other error is a bug and is rethrown. */
export const answerSafely =
  (commands: Commands, log: Log, measure: PubsubPushMetrics): CommandHandler =>
  async (type, command, { traceparent }) => {
    const stop = measure.commandSeconds.startTimer({ command: type });
    const reply = await commands(type, command as never).catch(
      unlessUnavailable(log, type, (): Reply => ({ v: 1, type: 'unavailable' })),
    );
    stop();
    measure.commands.inc({ command: type, reply: reply.type });
    log.debug({ event: 'command', command: type, reply: reply.type, traceId: traceIdOf(traceparent) });
    return reply;
  };

/** Handles a message from a stream; while the store is unavailable, the message waits in NATS. */
export const retryWhenUnavailable =
  <T>(handle: (value: T, context: MessageContext) => Promise<Settlement>, log: Log) =>
  (value: T, context: MessageContext): Promise<Settlement> =>
    handle(value, context).catch(unlessUnavailable(log, 'message', (): Settlement => ({ type: 'retry' })));

const throttle = createThrottle();

const unlessUnavailable =
  <T>(log: Log, what: string, instead: () => T) =>
  (error: unknown): T => {
    if (!(error instanceof StoreUnavailable)) throw error;
    const reason = (error.cause as Error | undefined)?.message;
    throttle((times) => log.warn({ event: 'store-unavailable', what, reason, times }));
    return instead();
  };
