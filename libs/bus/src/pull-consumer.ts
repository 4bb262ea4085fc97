import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { atEndOfTurn, backOffMs, createSlots } from '@pushmesh/async';
import type { BackOff, Slots } from '@pushmesh/async';
import type { Durable } from '@pushmesh/contracts';
import type { NatsLink } from './nats-link.ts';

/** What to do with a message that was handled. */
export type Settlement =
  /** Done: the message is acknowledged. */
  | { readonly type: 'ack' }
  /** Not now: the message comes again after the delay, to any replica. Without a delay, after a back-off. */
  | { readonly type: 'retry'; readonly delayMs?: number };

export type PullConsumerOptions = {
  readonly durable: Durable;
  /** The stream, by its name on this NATS. */
  readonly stream: string;
  /** How many messages this process works on at a time. */
  readonly concurrency: number;
  /** Must not throw for expected failures: they are settlements. A throw is a bug: logged, and retried with back-off. */
  readonly handle: (msg: JsMsg) => Promise<Settlement>;
  /** When the work that a message carries began (ms since 1970); `undefined`: when the message was stored. */
  readonly beganAt: (data: Uint8Array) => number | undefined;
  readonly onSettled: (settled: Settlement['type'] | 'fault') => void;
  readonly onFault: (error: unknown) => void;
};

/** Takes messages from one durable consumer, never more than there is room for. */
export type PullConsumer = {
  /** Changes how many messages may be in flight; 0 stops pulling. */
  limit(concurrency: number): void;
  inFlight(): number;
  pulling(): boolean;
  /**
   * Messages that are waiting or in flight in the whole mesh, and the age of the one that was stored first, counted from
   * when its work began; `undefined` while unknown.
   */
  backlog(): Promise<Backlog | undefined>;
  /** Stops pulling and waits until everything that was taken is settled. */
  drain(): Promise<void>;
};

type Backlog = { readonly waiting: number; readonly oldestMs: number };

/** A pull request that is open at the server, and how many messages may still come for it. */
type PullRequest = { open: number; messages?: ConsumerMessages };

type State = {
  readonly link: NatsLink;
  readonly options: PullConsumerOptions;
  readonly taken: Slots<JsMsg>;
  readonly requests: Set<PullRequest>;
  limit: number;
  consumer: Consumer | undefined;
  nats: NatsConnection | undefined;
  draining: boolean;
  drained: (() => void) | undefined;
};

/** How long a pull request stays open at the server. */
const pullExpiresMs = 5_000;
/** The delay of a message that came when there was no room for it. */
const noRoomRetryMs = 250;
/** The wait before the next pull request, or the next look-up of the consumer, after one that failed. */
const pullRetryMs = 1_000;
/** For failures that are expected to pass. */
const retryBackOff: BackOff = { firstMs: 2_000, maxMs: 10_000 };
const faultBackOff: BackOff = { firstMs: 2_000, maxMs: 60_000 };

export const createPullConsumer = (link: NatsLink, options: PullConsumerOptions): PullConsumer => {
  const state: State = {
    link,
    options,
    taken: createSlots(),
    requests: new Set(),
    limit: options.concurrency,
    consumer: undefined,
    nats: undefined,
    draining: false,
    drained: undefined,
  };
  link.onReady((nats) => void bind(state, nats));
  link.onLost(() => unbind(state));
  // A message that takes long must not be redelivered to another worker in the meantime.
  const keepAlive = setInterval(() => state.taken.forEach((msg) => msg.working()), options.durable.ackWaitMs / 3);
  keepAlive.unref();

  return {
    // Open requests stay open: whatever NATS sent for a request that is no longer read would be redelivered only after
    // `ackWaitMs`. A message for which there is no room is returned at once instead.
    limit: (concurrency) => {
      state.limit = concurrency;
      pullMore(state);
    },
    inFlight: state.taken.size,
    pulling: () => state.limit > 0 && !state.draining && state.consumer !== undefined,
    backlog: () => readBacklog(state),
    drain: async () => {
      state.draining = true;
      if (state.taken.size() > 0) await new Promise<void>((resolve) => (state.drained = resolve));
      clearInterval(keepAlive);
    },
  };
};

/** Finds the durable consumer, and begins to pull; retries until the consumer exists. */
const bind = async (state: State, nats: NatsConnection): Promise<void> => {
  const { link, options } = state;
  state.nats = nats;
  while (!state.draining && link.current() === nats) {
    try {
      state.consumer = await jetstream(nats).consumers.get(options.stream, options.durable.name);
      pullMore(state);
      return;
    } catch (error) {
      options.onFault(error);
      await new Promise((resolve) => setTimeout(resolve, pullRetryMs));
    }
  }
};

const unbind = (state: State): void => {
  state.consumer = undefined;
  for (const { messages } of state.requests) messages?.stop();
};

/** Asks for as much as there is room for, once a quarter of the room is free, so that requests stay large. */
const pullMore = (state: State): void => {
  const { link, limit, taken, requests, consumer, draining } = state;
  const requested = [...requests].reduce((sum, { open }) => sum + open, 0);
  const room = limit - taken.size() - requested;
  if (draining || !consumer || !link.current() || room < Math.max(1, Math.floor(limit / 4))) return;
  void pull(state, consumer, room);
};

const pull = async (state: State, consumer: Consumer, room: number): Promise<void> => {
  const { link, requests, options } = state;
  // Counted before the first await: the next `pullMore` must know about it.
  const request: PullRequest = { open: room };
  requests.add(request);
  let failed = false;
  try {
    request.messages = await consumer.fetch({ max_messages: room, expires: pullExpiresMs });
    for await (const msg of request.messages) {
      request.open -= 1;
      if (state.draining || state.taken.size() >= state.limit) nak(state, msg, noRoomRetryMs);
      else void work(state, msg);
    }
  } catch (error) {
    failed = true;
    if (!state.draining && link.current()) options.onFault(error);
  } finally {
    requests.delete(request);
    if (failed) setTimeout(() => pullMore(state), pullRetryMs).unref();
    else pullMore(state);
  }
};

const work = async (state: State, msg: JsMsg): Promise<void> => {
  const { taken, options } = state;
  const slot = taken.add(msg);
  try {
    const settlement = await options.handle(msg);
    if (settlement.type === 'ack') ack(state, msg);
    else nak(state, msg, settlement.delayMs ?? delayMs(msg, retryBackOff));
    options.onSettled(settlement.type);
  } catch (error) {
    options.onFault(error);
    nak(state, msg, delayMs(msg, faultBackOff));
    options.onSettled('fault');
  } finally {
    taken.free(slot);
    if (state.draining && taken.size() === 0) state.drained?.();
    pullMore(state);
  }
};

/** Waits at least half of the back-off, so that a message is never redelivered at once. */
const delayMs = ({ info }: JsMsg, backOff: BackOff): number =>
  backOffMs(backOff, info.deliveryCount, 'equal', Math.random());

const ack = ({ options }: State, msg: JsMsg): void => atEndOfTurn(() => msg.ack(), options.onFault);

/** NATS accepts whole milliseconds only: with a fraction, or without a delay, the message would be redelivered at once. */
const nak = ({ options }: State, msg: JsMsg, ms: number): void =>
  atEndOfTurn(() => msg.nak(Math.max(1, Math.round(ms))), options.onFault);

const readBacklog = async ({ link, options, consumer, nats }: State): Promise<Backlog | undefined> => {
  if (!consumer || !nats || !link.current()) return undefined;
  const manager = await jetstreamManager(nats, { checkAPI: false });
  const { num_pending, num_ack_pending, ack_floor, config } = await manager.consumers.info(
    options.stream,
    options.durable.name,
  );
  const waiting = num_pending + num_ack_pending;
  if (waiting === 0) return { waiting, oldestMs: 0 };
  // The API of the server has had `next_by_subj` since 2.9; the type of the client has it for direct gets only.
  const next = { seq: ack_floor.stream_seq + 1, next_by_subj: config.filter_subject ?? '>' };
  const oldest = await manager.streams.getMessage(options.stream, next);
  // All of them have been settled since.
  if (!oldest) return { waiting: 0, oldestMs: 0 };
  const beganAt = options.beganAt(oldest.data) ?? oldest.time.getTime();
  return { waiting, oldestMs: Math.max(0, Date.now() - beganAt) };
};
