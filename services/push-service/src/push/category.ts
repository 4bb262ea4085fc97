/**
 * What a push service's answer means, in MongoosePush's own words (its v3 API). The list is closed: a new category does
 * not compile until the HTTP table answers it. `unknown` is a reason word that no table knows; `unspecified` an answer
 * that says nothing. Ours alone is `third_party_auth`: a key that the Firebase project has for Apple or for Web Push is refused.
 */
export const categories = [
  'ok',
  'invalid_request',
  'no_matching_pool',
  'invalid_notification',
  'unregistered',
  'payload_too_large',
  'too_many_requests',
  'service_internal',
  'auth',
  'third_party_auth',
  'internal_config',
  'unable_to_connect',
  'connection_lost',
  'request_timeout',
  'unspecified',
  'unknown',
] as const;
type Category = (typeof categories)[number];
export type Refusal = Exclude<Category, 'ok'>;

/** What came of one push. `reason` is the push service's word, or the category when it gave none. */
export type ProviderAnswer =
  | { readonly category: 'ok' }
  | {
      readonly category: Refusal;
      readonly reason: string;
      /** Milliseconds since 1970: the token has been dead since then (APNs `timestamp`). */
      readonly unregisteredAt?: number;
      /** The push service asks to wait so many seconds. */
      readonly retryAfterSeconds?: number;
    };

/** An answer whose reason is the category itself. */
export const refuse = (category: Refusal): ProviderAnswer => ({ category, reason: category });
