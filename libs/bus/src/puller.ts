import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Durable } from '@pushmesh/contracts';
import type { Connection } from './connection.ts';
import { atEndOfTurn } from './end-of-turn.ts';
import { createSlots } from './slots.ts';

/** What to do with a message that was handled. */
export type Settlement =
  /** Done: the message goes. */
  | { readonly type: 'ack' }
  /** Not now: the message comes again after the delay, to any replica. Without one the delay grows with every time it came. */
  | { readonly type: 'retry'; readonly delayMs?: number };

export type PullOptions = {
  readonly durable: Durable;
  readonly stream: string;
  /** The most messages that this process works on at a time. */
  readonly concurrency: number;
  /** Must not throw for expected failures: they are settlements. A throw is a bug: logged, and retried with back-off. */
  readonly handle: (msg: JsMsg) => Promise<Settlement>;
  /** Since when what a message is about has been under way (ms since 1970); `undefined`: since it was stored. */
  readonly beganAt: (data: Uint8Array) => number | undefined;
  readonly onSettled: (settled: Settlement['type'] | 'fault') => void;
  readonly onFault: (error: unknown) => void;
};

/** Takes messages of one durable consumer, never more than it has room for. */
export type Puller = {
  /** Changes how many messages may be in flight; 0 stops asking for any. */
  limit(concurrency: number): void;
  inFlight(): number;
  pulling(): boolean;
  /**
   * Messages that wait or are in flight anywhere, and the age of the one that was stored first, from when it began;
   * `undefined` while unknown.
   */
  backlog(): Promise<{ waiting: number; oldestMs: number } | undefined>;
  /** Stops asking and waits until everything taken is settled. */
  drain(): Promise<void>;
};

/** A request that is open at the server, and how many messages may still come for it. */
type PullRequest = { open: number; messages?: ConsumerMessages };

/** How long one request for messages stays open at the server. */
const pullExpiresMs = 5_000;
/** When a message comes again for which there was no room. */
const noRoomRetryMs = 250;
const retryMs = 1_000;
/** For trouble that is expected to pass. */
const retryCapMs = 10_000;
const faultRetryCapMs = 60_000;

/** Milliseconds; doubles each time the message comes, with jitter in its upper half. */
const backOff = ({ info }: JsMsg, capMs: number): number =>
  Math.min(capMs, retryMs * 2 ** Math.min(10, info.deliveryCount)) * (0.5 + Math.random() / 2);

export const createPuller = (connection: Connection, options: PullOptions): Puller => {
  const { durable, stream, handle, beganAt, onSettled, onFault } = options;
  const taken = createSlots<JsMsg>();
  const requests = new Set<PullRequest>();
  let limit = options.concurrency;
  let consumer: Consumer | undefined;
  let nats: NatsConnection | undefined;
  let draining = false;
  let drained: (() => void) | undefined;

  // A message that takes long must not be given to another worker meanwhile.
  const keepAlive = setInterval(() => {
    for (const msg of taken.all()) msg.working();
  }, durable.ackWaitMs / 3);
  keepAlive.unref();

  const done = (msg: JsMsg): void => atEndOfTurn(() => msg.ack(), onFault);
  /** NATS takes whole milliseconds only: with a fraction, or without a delay, the message comes again at once. */
  const later = (msg: JsMsg, delayMs: number): void =>
    atEndOfTurn(() => msg.nak(Math.max(1, Math.round(delayMs))), onFault);

  const requested = (): number => [...requests].reduce((sum, { open }) => sum + open, 0);

  /** Asks for as much as there is room for; waits for a quarter of the room, so that requests stay large. */
  const ask = (): void => {
    const room = limit - taken.size() - requested();
    if (draining || !consumer || !connection.current() || room < Math.max(1, Math.floor(limit / 4))) return;
    void pull(consumer, room);
  };

  const pull = async (from: Consumer, room: number): Promise<void> => {
    // Counted before the first await: the next `ask` must know of it.
    const request: PullRequest = { open: room };
    requests.add(request);
    let failed = false;
    try {
      request.messages = await from.fetch({ max_messages: room, expires: pullExpiresMs });
      for await (const msg of request.messages) {
        request.open -= 1;
        if (draining || taken.size() >= limit) later(msg, noRoomRetryMs);
        else void work(msg);
      }
    } catch (error) {
      failed = true;
      if (!draining && connection.current()) onFault(error);
    } finally {
      requests.delete(request);
      if (failed) setTimeout(ask, retryMs).unref();
      else ask();
    }
  };

  const work = async (msg: JsMsg): Promise<void> => {
    const place = taken.add(msg);
    try {
      const settlement = await handle(msg);
      if (settlement.type === 'ack') done(msg);
      else later(msg, settlement.delayMs ?? backOff(msg, retryCapMs));
      onSettled(settlement.type);
    } catch (error) {
      onFault(error);
      later(msg, backOff(msg, faultRetryCapMs));
      onSettled('fault');
    } finally {
      taken.free(place);
      if (draining && taken.size() === 0) drained?.();
      ask();
    }
  };

  const bind = async (ready: NatsConnection): Promise<void> => {
    nats = ready;
    while (!draining && connection.current() === ready) {
      try {
        consumer = await jetstream(ready).consumers.get(stream, durable.name);
        ask();
        return;
      } catch (error) {
        onFault(error);
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  };
  connection.onReady((ready) => void bind(ready));
  connection.onLost(() => {
    consumer = undefined;
    for (const { messages } of requests) messages?.stop();
  });

  return {
    // A request that is open already is left open: what NATS sends for it after we stopped listening would only come
    // again after `ackWaitMs`. There is no room for it now, so it goes back at once.
    limit: (next) => {
      limit = next;
      ask();
    },
    inFlight: taken.size,
    pulling: () => limit > 0 && !draining && consumer !== undefined,
    backlog: async () => {
      if (!consumer || !nats || !connection.current()) return undefined;
      const manager = await jetstreamManager(nats, { checkAPI: false });
      const { num_pending, num_ack_pending, ack_floor, config } = await manager.consumers.info(stream, durable.name);
      const waiting = num_pending + num_ack_pending;
      if (waiting === 0) return { waiting, oldestMs: 0 };
      // `next_by_subj` is in the server’s API since 2.9; the client’s type knows it for direct gets only.
      const next = { seq: ack_floor.stream_seq + 1, next_by_subj: config.filter_subject ?? '>' };
      const oldest = await manager.streams.getMessage(stream, next);
      // All of them were settled since.
      if (!oldest) return { waiting: 0, oldestMs: 0 };
      return { waiting, oldestMs: Math.max(0, Date.now() - (beganAt(oldest.data) ?? oldest.time.getTime())) };
    },
    drain: async () => {
      draining = true;
      if (taken.size() > 0) await new Promise<void>((resolve) => (drained = resolve));
      clearInterval(keepAlive);
    },
  };
};
