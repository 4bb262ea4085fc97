import { commandMessages, commandSubject, commandTypes, commandsPerMessage, repliesMessage } from '@pushmesh/contracts';
import type { Asking, Command, CommandType, Reply } from '@pushmesh/contracts';
import type { Msg } from '@nats-io/transport-node';
import type { Log } from '@pushmesh/telemetry';
import { createCompany } from './company.ts';
import { atEndOfTurn } from './end-of-turn.ts';
import type { Asked, openInbox } from './inbox.ts';
import { prefixedSubject } from './streams.ts';

/** What a request gets when no reply came. */
export type NoReply = { readonly type: 'timeout' | 'no-responders' | 'disconnected' | 'full' };

/** Answers one command; `unavailable` is a reply like any other. Throws only on bugs. */
export type CommandHandler = (
  type: CommandType,
  command: Command,
  context: { readonly traceparent: string },
) => Promise<Reply>;

/** Asks pubsub-push. Commands of one type that are asked in the same turn of the event loop leave in one message. */
export const openCommands = ({ ask }: Pick<ReturnType<typeof openInbox>, 'ask'>, prefix: string, log: Log) => {
  const read = (type: CommandType, asked: Asked): readonly Reply[] | NoReply => {
    if (asked.type !== 'answer') return { type: asked.type === 'unsendable' ? 'disconnected' : asked.type };
    const decoded = repliesMessage.decode(asked.msg.data);
    if (decoded.ok) return decoded.value;
    log.error({ event: 'reply-unreadable', command: type, why: decoded.why });
    return [];
  };

  const companyOf = (type: CommandType) =>
    createCompany<Asking, readonly Reply[] | NoReply>(commandsPerMessage(type), async (leave) => {
      const encode = (): Uint8Array => commandMessages[type].encode(leave() as never);
      return read(type, await ask(prefixedSubject(prefix, commandSubject(type)), encode));
    });
  const companies = Object.fromEntries(commandTypes.map((type) => [type, companyOf(type)])) as {
    readonly [K in CommandType]: ReturnType<typeof companyOf>;
  };

  return async <K extends CommandType>(type: K, command: Command<K>, traceparent: string): Promise<Reply | NoReply> => {
    const { place, outcome: replies } = await companies[type]({ traceparent, command });
    if ('type' in replies) return replies;
    return replies[place] ?? { v: 1, type: 'unreadable' };
  };
};

/** Answers what {@link openCommands} asks; refuses with `unavailable` beyond `maxInFlight` commands. */
export const createAnswerer = (handler: CommandHandler, maxInFlight: number, log: Log) => {
  let inFlight = 0;
  let messages = 0;
  let idle: (() => void) | undefined;

  const answerOne = async (type: CommandType, { command, traceparent }: Asking): Promise<Reply> => {
    if (inFlight >= maxInFlight) return { v: 1, type: 'unavailable' };
    inFlight += 1;
    try {
      return await handler(type, command, { traceparent });
    } catch (err) {
      log.error({ event: 'command-fault', command: type, err });
      return { v: 1, type: 'unavailable' };
    } finally {
      inFlight -= 1;
    }
  };

  const respond = (msg: Msg, replies: readonly Reply[]): void => {
    const data = repliesMessage.encode(replies);
    atEndOfTurn(
      () => msg.respond(data),
      (err) => log.error({ event: 'command-fault', subject: msg.subject, err }),
    );
  };

  const answerAll = async (msg: Msg): Promise<readonly Reply[]> => {
    const type = commandTypes.find((each) => msg.subject.endsWith(commandSubject(each)));
    const decoded = type && commandMessages[type].decode(msg.data);
    if (type && decoded?.ok) return Promise.all(decoded.value.map((asking) => answerOne(type, asking)));
    const why = decoded?.ok === false ? decoded.why : 'unknown command';
    log.error({ event: 'command-unreadable', subject: msg.subject, why });
    return [{ v: 1, type: 'unreadable' }];
  };

  return {
    answer: async (msg: Msg): Promise<void> => {
      messages += 1;
      try {
        respond(msg, await answerAll(msg));
      } finally {
        messages -= 1;
        if (messages === 0) idle?.();
      }
    },
    /** Resolves when everything that was taken is answered. */
    drain: async (): Promise<void> => {
      if (messages > 0) await new Promise<void>((resolve) => (idle = resolve));
    },
  };
};
