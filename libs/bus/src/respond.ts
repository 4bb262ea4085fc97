import type { Msg, Subscription } from '@nats-io/transport-node';
import { atEndOfTurn } from '@pushmesh/async';
import {
  commandMessages,
  commandQueue,
  commandSubject,
  commandTypes,
  prefixedSubject,
  repliesMessage,
} from '@pushmesh/contracts';
import type { Asking, Command, CommandType, Reply } from '@pushmesh/contracts';
import type { Log } from '@pushmesh/telemetry';
import type { NatsLink } from './nats-link.ts';

/** Replies to one command; `unavailable` is a reply like any other. Throws only on bugs. */
export type CommandHandler = (
  type: CommandType,
  command: Command,
  context: { readonly traceparent: string },
) => Promise<Reply>;

type Ports = { readonly link: Pick<NatsLink, 'current' | 'onReady'>; readonly prefix: string; readonly log: Log };

/** Subscribes to every command, in the queue group that all replicas share, whenever NATS is connected. */
export const openResponder = ({ link, prefix, log }: Ports, handler: CommandHandler, maxInFlight: number) => {
  const responder = createResponder(handler, maxInFlight, log);
  let subscription: Subscription | undefined;

  link.onReady((nats) => {
    // A subscription survives a reconnect, but not the end of its connection.
    if (subscription && !subscription.isClosed()) return;
    subscription = nats.subscribe(prefixedSubject(prefix, commandSubject('*')), {
      queue: commandQueue,
      callback: (error, msg) => {
        if (!error) void responder.respond(msg);
      },
    });
  });

  return {
    /** Leaves the queue group, and resolves once everything that was on its way here has its reply. */
    drain: async (): Promise<void> => {
      if (link.current() && subscription && !subscription.isClosed()) await subscription.drain();
      await responder.drain();
    },
  };
};

/** Replies to the commands in each message, with `unavailable` to every command beyond `maxInFlight`. */
export const createResponder = (handler: CommandHandler, maxInFlight: number, log: Log) => {
  let commands = 0;
  let messages = 0;
  let idle: (() => void) | undefined;

  const replyTo = async (type: CommandType, { command, traceparent }: Asking): Promise<Reply> => {
    if (commands >= maxInFlight) return { v: 1, type: 'unavailable' };
    commands += 1;
    try {
      return await handler(type, command, { traceparent });
    } catch (err) {
      log.error({ event: 'command-fault', command: type, err });
      return { v: 1, type: 'unavailable' };
    } finally {
      commands -= 1;
    }
  };

  const repliesTo = async ({ subject, data }: Msg): Promise<readonly Reply[]> => {
    const type = commandTypes.find((each) => subject.endsWith(commandSubject(each)));
    const decoded = type && commandMessages[type].decode(data);
    if (type && decoded?.ok) return Promise.all(decoded.value.map((asking) => replyTo(type, asking)));
    const why = decoded?.ok === false ? decoded.why : 'unknown command';
    log.error({ event: 'command-unreadable', subject, why });
    return [{ v: 1, type: 'unreadable' }];
  };

  return {
    respond: async (msg: Msg): Promise<void> => {
      messages += 1;
      try {
        send(msg, await repliesTo(msg), log);
      } finally {
        messages -= 1;
        if (messages === 0) idle?.();
      }
    },
    /** Resolves when every message that was taken has its replies. */
    drain: async (): Promise<void> => {
      if (messages > 0) await new Promise<void>((resolve) => (idle = resolve));
    },
  };
};

const send = (msg: Msg, replies: readonly Reply[], log: Log): void => {
  const data = repliesMessage.encode(replies);
  atEndOfTurn(
    () => msg.respond(data),
    (err) => log.error({ event: 'command-fault', subject: msg.subject, err }),
  );
};
