import { createBatcher } from '@pushmesh/async';
import {
  commandMessages,
  commandSubject,
  commandTypes,
  commandsPerMessage,
  prefixedSubject,
  repliesMessage,
} from '@pushmesh/contracts';
import type { Asking, Command, CommandType, Reply } from '@pushmesh/contracts';
import type { Log } from '@pushmesh/telemetry';
import type { Inbox, RequestOutcome } from './inbox.ts';

/** Why a command got no reply. */
export type NoReply = { readonly type: 'timeout' | 'no-responders' | 'disconnected' | 'full' };

export type Requester = <K extends CommandType>(
  type: K,
  command: Command<K>,
  traceparent: string,
) => Promise<Reply | NoReply>;

type Ports = { readonly replies: Pick<Inbox, 'request'>; readonly prefix: string; readonly log: Log };

/**
 * Sends commands by request/reply. Commands of one type that are sent in the same turn of the event loop share a message,
 * as far as the contract of the type allows.
 */
export const createRequester = (ports: Ports): Requester => {
  const batchers = Object.fromEntries(commandTypes.map((type) => [type, batcherOf(type, ports)])) as {
    readonly [K in CommandType]: ReturnType<typeof batcherOf>;
  };

  return async (type, command, traceparent) => {
    const { index, outcome: replies } = await batchers[type]({ traceparent, command });
    if ('type' in replies) return replies;
    return replies[index] ?? { v: 1, type: 'unreadable' };
  };
};

const batcherOf = (type: CommandType, { replies, prefix, log }: Ports) =>
  createBatcher<Asking, readonly Reply[] | NoReply>(commandsPerMessage(type), async (take) => {
    const encode = (): Uint8Array => commandMessages[type].encode(take() as never);
    return toReplies(type, await replies.request(prefixedSubject(prefix, commandSubject(type)), encode), log);
  });

const toReplies = (type: CommandType, outcome: RequestOutcome, log: Log): readonly Reply[] | NoReply => {
  if (outcome.type !== 'reply') return { type: outcome.type === 'unsendable' ? 'disconnected' : outcome.type };
  const decoded = repliesMessage.decode(outcome.msg.data);
  if (decoded.ok) return decoded.value;
  log.error({ event: 'reply-unreadable', command: type, why: decoded.why });
  return [];
};
