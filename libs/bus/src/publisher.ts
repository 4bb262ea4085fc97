import { headers } from '@nats-io/transport-node';
import type { Msg } from '@nats-io/transport-node';
import type { openInbox } from './inbox.ts';

/** How a JetStream publish ended. Only `stored` and `duplicate` mean that the message is safe. */
export type Published =
  | { readonly type: 'stored' | 'duplicate' }
  /** JetStream said no: the stream is full, is missing, or JetStream is off. */
  | { readonly type: 'refused'; readonly why: string }
  /** No answer in time; the message may have been stored. */
  | { readonly type: 'timeout' }
  | { readonly type: 'disconnected' }
  /** Too many publishes of this process wait for their PubAck. */
  | { readonly type: 'full' };

/** Whether the message is safe: stored now, or before. */
export const isStored = ({ type }: Published): boolean => type === 'stored' || type === 'duplicate';

export type PublishOptions = {
  /** Nats-Msg-Id: publishes with the same one are stored once within the stream’s window. */
  readonly msgId: string;
  readonly traceparent?: string | undefined;
};

/** Publishes to JetStream and waits for the PubAck; `encode` is called when the message leaves. */
export const publishTo = async (
  { ask }: Pick<ReturnType<typeof openInbox>, 'ask'>,
  subject: string,
  encode: () => Uint8Array,
  { msgId, traceparent }: Partial<PublishOptions>,
): Promise<Published> => {
  const head = msgId || traceparent ? headers() : undefined;
  if (msgId) head?.append('Nats-Msg-Id', msgId);
  if (traceparent) head?.append('traceparent', traceparent);
  const asked = await ask(subject, encode, head);
  switch (asked.type) {
    case 'answer':
      return toPublished(asked.msg);
    case 'no-responders':
      return { type: 'refused', why: 'no stream takes this subject, or JetStream is off' };
    case 'unsendable':
      return { type: 'refused', why: asked.why };
    case 'timeout':
    case 'disconnected':
    case 'full':
      return asked;
  }
};

type PubAck = {
  stream?: string;
  duplicate?: boolean;
  error?: { code: number; err_code?: number; description?: string };
};

const toPublished = (msg: Msg): Published => {
  const ack = msg.json<PubAck>();
  if (ack.error) return { type: 'refused', why: ack.error.description ?? `JetStream error ${ack.error.code}` };
  return { type: ack.duplicate ? 'duplicate' : 'stored' };
};
