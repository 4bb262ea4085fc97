import { unregisteredAtHeader } from '@pushmesh/contracts';
import type { PushApiVersion } from '@pushmesh/contracts';
import type { ProviderAnswer, Refusal } from '../push/category.ts';

/** An answer of the HTTP API. `body` is JSON text. */
export type ApiAnswer = {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
};

/** `word` goes out as `reason` (v3) or `details` (v1, v2); without one, the push service's own word does. */
type Row = { readonly status: number; readonly word?: string };

const flat: Row = { status: 500 };

/** v1 and v2 tell the cause in words only. */
const v1AndV2: Readonly<Record<Refusal, Row>> = {
  invalid_request: flat,
  no_matching_pool: flat,
  invalid_notification: flat,
  unregistered: flat,
  payload_too_large: flat,
  too_many_requests: flat,
  service_internal: flat,
  auth: flat,
  third_party_auth: flat,
  internal_config: flat,
  unable_to_connect: { status: 503, word: 'Please try again later' },
  connection_lost: flat,
  request_timeout: flat,
  unspecified: flat,
  unknown: flat,
};

const v3: Readonly<Record<Refusal, Row>> = {
  invalid_request: { status: 400, word: 'invalid_request' },
  no_matching_pool: { status: 400, word: 'no_matching_pool' },
  invalid_notification: { status: 400, word: 'invalid_notification' },
  unregistered: { status: 410, word: 'unregistered' },
  payload_too_large: { status: 413, word: 'payload_too_large' },
  too_many_requests: { status: 429, word: 'too_many_requests' },
  service_internal: { status: 503, word: 'service_internal' },
  // That our credentials are refused is nobody's business but the operator's.
  auth: { status: 503, word: 'service_internal' },
  third_party_auth: { status: 500 },
  internal_config: { status: 503, word: 'internal_config' },
  unable_to_connect: { status: 503, word: 'unable_to_connect' },
  connection_lost: { status: 503, word: 'connection_lost' },
  request_timeout: { status: 503, word: 'request_timeout' },
  unspecified: { status: 520, word: 'unspecified' },
  unknown: { status: 500 },
};

const tables = {
  v1: { rows: v1AndV2, key: 'details' },
  v2: { rows: v1AndV2, key: 'details' },
  v3: { rows: v3, key: 'reason' },
} as const satisfies Readonly<Record<PushApiVersion, { rows: Readonly<Record<Refusal, Row>>; key: string }>>;

/** The answer of `POST /{version}/notification/{device_id}` to what came of the push. */
export const toHttpAnswer = (version: PushApiVersion, answer: ProviderAnswer): ApiAnswer => {
  if (answer.category === 'ok') return { status: 200, body: 'null', headers: {} };
  const { rows, key } = tables[version];
  const { status, word = answer.reason } = rows[answer.category];
  return {
    status,
    body: JSON.stringify({ [key]: word }),
    headers: {
      ...(answer.unregisteredAt !== undefined && { [unregisteredAtHeader]: String(answer.unregisteredAt) }),
      ...(answer.retryAfterSeconds !== undefined && { 'retry-after': String(answer.retryAfterSeconds) }),
    },
  };
};
