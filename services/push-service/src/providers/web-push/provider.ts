import { createECDH, randomBytes } from 'node:crypto';
import type { Mode } from '@pushmesh/contracts';
import { refuse } from '../../push/category.ts';
import type { ProviderAnswer } from '../../push/category.ts';
import type { Notification } from '../../push/notification.ts';
import { toWebPushMessage } from './message.ts';
import { refuseFor, toWebPushAnswer } from './outcome.ts';
import { encrypt, maxPlaintext } from './encryption.ts';
import type { MessageSecrets } from './encryption.ts';
import type { EndpointAnswer, EndpointFault, Endpoints } from './endpoints.ts';
import type { OriginCircuits } from './origin-circuits.ts';
import { parseSubscription } from './subscription.ts';

type Options = {
  readonly mode: Mode;
  readonly tags: readonly string[];
  readonly endpoints: Pick<Endpoints, 'post'>;
  readonly circuits: OriginCircuits;
  /** The header `authorization` for the origin of a push service (RFC 8292). */
  readonly vapid: (origin: string) => string;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Fresh ones for every message. */
  readonly secrets?: () => MessageSecrets;
};

/** Web Push (RFC 8030) to browsers and UnifiedPush apps. The device id is the JSON text of the subscription. */
export const createWebPushProvider = (options: Options) => {
  const { mode, tags, endpoints, circuits, vapid, clock, secrets = newSecrets } = options;
  const push = async (notification: Notification): Promise<ProviderAnswer> => {
    const parsed = parseSubscription(notification.device_id);
    if (!parsed.ok) return refuseFor(parsed.problem);
    const { endpoint, keys } = parsed.subscription;
    const { headers, payload } = toWebPushMessage(notification);
    const plaintext = Buffer.from(payload);
    if (plaintext.length > maxPlaintext) return refuse('payload_too_large');
    const { origin } = endpoint;
    const waitMs = circuits.waitMs(origin);
    if (waitMs > 0) return waiting({ category: 'unable_to_connect', reason: 'origin_is_out' }, waitMs);
    const posted = await endpoints.post({
      endpoint,
      headers: {
        ...headers,
        authorization: vapid(origin),
        'content-encoding': 'aes128gcm',
        'content-type': 'application/octet-stream',
      },
      body: encrypt(plaintext, keys, secrets()),
    });
    const answer = posted.type === 'fault' ? byFault[posted.fault] : toWebPushAnswer(posted, clock());
    if (isDown(posted)) return waiting(answer, circuits.failed(origin, retryAfterOf(answer)));
    if (posted.type === 'answer') circuits.worked(origin);
    return answer;
  };

  // Connections are made as pushes come, to whichever push service they are for: some can always be reached.
  const connections = () => ({ connected: 1, disconnected: circuits.out() });

  return { name: 'webpush', service: 'webpush' as const, mode, tags, push, connections };
};

const retryAfterOf = (answer: ProviderAnswer): number | undefined =>
  answer.category === 'ok' ? undefined : answer.retryAfterSeconds;

/** The answer, with the wait until its push service is tried again. */
const waiting = (answer: ProviderAnswer, waitMs: number): ProviderAnswer =>
  waitMs > 0 && answer.category !== 'ok' ? { ...answer, retryAfterSeconds: Math.ceil(waitMs / 1000) } : answer;

/**
 * Whether the whole push service is down, as far as we can tell. Another 5xx may be about one subscription (ntfy's
 * 507).
 */
const isDown = (posted: EndpointAnswer): boolean =>
  posted.type === 'fault' ? downFaults.has(posted.fault) : downStatuses.has(posted.status);
const downFaults: ReadonlySet<EndpointFault> = new Set(['unable_to_connect', 'connection_lost', 'request_timeout']);
const downStatuses: ReadonlySet<number> = new Set([502, 503, 504]);

const byFault: Readonly<Record<EndpointFault, ProviderAnswer>> = {
  not_allowed: refuseFor('endpoint_not_allowed'),
  unable_to_connect: refuse('unable_to_connect'),
  connection_lost: refuse('connection_lost'),
  request_timeout: refuse('request_timeout'),
  queue_full: { category: 'unable_to_connect', reason: 'queue_full' },
};

const newSecrets = (): MessageSecrets => {
  const server = createECDH('prime256v1');
  server.generateKeys();
  return { server, salt: randomBytes(16) };
};
