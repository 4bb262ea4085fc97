import { headers } from '@nats-io/transport-node';
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import { createBatcher } from '@pushmesh/async';
import { prefixedSubject } from '@pushmesh/contracts';
import type { Message } from '@pushmesh/contracts';
import { createThrottle } from '@pushmesh/telemetry';
import type { Log, Throttle } from '@pushmesh/telemetry';
import type { Inbox, RequestOutcome } from './inbox.ts';
import type { BusMetrics } from './metrics.ts';
import type { NatsLink } from './nats-link.ts';

/** How a JetStream publish ended. The message is safe only after `stored` and `duplicate`. */
export type Published =
  | { readonly type: 'stored' | 'duplicate' }
  /** JetStream refused it: the stream is full or missing, or JetStream is disabled. */
  | { readonly type: 'refused'; readonly why: string }
  /** No PubAck in time; the message may have been stored. */
  | { readonly type: 'timeout' }
  | { readonly type: 'disconnected' }
  /** Too many publishes of this process wait for a PubAck. */
  | { readonly type: 'full' };

/** Whether the message is safe: stored now, or before. */
export const isStored = ({ type }: Published): boolean => type === 'stored' || type === 'duplicate';

export type PublishOptions = {
  /** Nats-Msg-Id: publishes with the same id are stored once within the duplicate window of the stream. */
  readonly msgId: string;
  readonly traceparent?: string | undefined;
};

type Ports = {
  readonly link: Pick<NatsLink, 'repair'>;
  readonly pubAcks: Pick<Inbox, 'request'>;
  readonly prefix: string;
  readonly log: Log;
  readonly measure: BusMetrics;
};

export type Publisher = ReturnType<typeof createPublisher>;

/** Publishes to JetStream. A message is encoded when it leaves. */
export const createPublisher = ({ link, pubAcks, prefix, log, measure }: Ports) => {
  /** By subject, so that thousands of refusals on one subject do not hide those on another. */
  const throttles = new Map<string, Throttle>();

  const noteRefusal = (subject: string, why: string): void => {
    const throttle = throttles.get(subject) ?? createThrottle();
    throttles.set(subject, throttle);
    throttle((times) => log.error({ event: 'publish-refused', subject, why, times }));
    link.repair();
  };

  const publishBytes = async (
    subject: string,
    encode: () => Uint8Array,
    options: Partial<PublishOptions>,
  ): Promise<Published> => {
    const started = performance.now();
    const outcome = await pubAcks.request(prefixedSubject(prefix, subject), encode, headersOf(options));
    const published = toPublished(outcome);
    measure.publishSeconds.observe({ subject }, (performance.now() - started) / 1000);
    measure.published.inc({ subject, result: published.type });
    if (published.type === 'refused') noteRefusal(subject, published.why);
    return published;
  };

  return {
    publishBytes,

    publish: <T>(subject: string, message: Message<T>, value: T, options: PublishOptions): Promise<Published> =>
      publishBytes(subject, () => message.encode(value), options),

    batchPublisher: <T>(subject: string, message: Message<readonly T[]>, maxItems: number) => {
      const add = createBatcher<T, Published>(maxItems, (take) =>
        publishBytes(subject, () => message.encode(take()), {}),
      );
      return async (value: T): Promise<Published> => (await add(value)).outcome;
    },
  };
};

const headersOf = ({ msgId, traceparent }: Partial<PublishOptions>): MsgHdrs | undefined => {
  if (!msgId && !traceparent) return undefined;
  const head = headers();
  if (msgId) head.append('Nats-Msg-Id', msgId);
  if (traceparent) head.append('traceparent', traceparent);
  return head;
};

const toPublished = (outcome: RequestOutcome): Published => {
  switch (outcome.type) {
    case 'reply':
      return ofPubAck(outcome.msg);
    case 'no-responders':
      return { type: 'refused', why: 'no stream has this subject, or JetStream is disabled' };
    case 'unsendable':
      return { type: 'refused', why: outcome.why };
    case 'timeout':
    case 'disconnected':
    case 'full':
      return outcome;
  }
};

/** The reply of JetStream to a publish. */
type PubAck = {
  stream?: string;
  duplicate?: boolean;
  error?: { code: number; err_code?: number; description?: string };
};

const ofPubAck = (msg: Msg): Published => {
  const ack = msg.json<PubAck>();
  if (ack.error) return { type: 'refused', why: ack.error.description ?? `JetStream error ${ack.error.code}` };
  return { type: ack.duplicate ? 'duplicate' : 'stored' };
};
