import { createECDH, randomBytes } from 'node:crypto';
import type { Mode } from '@pushmesh/contracts';
import { refuse } from '../../domain/category.ts';
import type { ProviderAnswer } from '../../domain/category.ts';
import type { Notification } from '../../domain/notification.ts';
import { toWebPushMessage } from '../../domain/web-push-message.ts';
import { toWebPushAnswer } from '../../domain/web-push-outcome.ts';
import { encrypt, maxPlaintext } from './encryption.ts';
import type { MessageSecrets } from './encryption.ts';
import type { EndpointFault, Endpoints } from './endpoints.ts';
import { parseSubscription } from './subscription.ts';

type Options = {
  readonly mode: Mode;
  readonly tags: readonly string[];
  readonly endpoints: Pick<Endpoints, 'post' | 'connections'>;
  /** The header `authorization` for the origin of a push service (RFC 8292). */
  readonly vapid: (origin: string) => string;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** New ones for every message. */
  readonly secrets?: () => MessageSecrets;
};

/** Web Push (RFC 8030) to browsers and UnifiedPush apps. The device id is the JSON text of the subscription. */
export const createWebPushProvider = ({ mode, tags, endpoints, vapid, clock, secrets = newSecrets }: Options) => {
  const push = async (notification: Notification): Promise<ProviderAnswer> => {
    const parsed = parseSubscription(notification.device_id);
    if (!parsed.ok) return { category: 'invalid_request', reason: parsed.problem };
    const { endpoint, keys } = parsed.subscription;
    const { headers, payload } = toWebPushMessage(notification);
    const plaintext = Buffer.from(payload);
    if (plaintext.length > maxPlaintext) return refuse('payload_too_large');
    const answer = await endpoints.post({
      endpoint,
      headers: {
        ...headers,
        authorization: vapid(endpoint.origin),
        'content-encoding': 'aes128gcm',
        'content-type': 'application/octet-stream',
      },
      body: encrypt(plaintext, keys, secrets()),
    });
    return answer.type === 'fault' ? byFault[answer.fault] : toWebPushAnswer(answer, clock());
  };

  return { service: 'webpush' as const, mode, tags, push, connections: endpoints.connections };
};

const byFault: Readonly<Record<EndpointFault, ProviderAnswer>> = {
  not_allowed: { category: 'invalid_request', reason: 'endpoint_not_allowed' },
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
