import type { Category } from '@pushmesh/contracts';

export type Refusal = Exclude<Category, 'ok'>;

/** What came of one push. `reason` is the push service's word, or the category when it gave none. */
export type ProviderAnswer =
  | { readonly category: 'ok' }
  | {
      readonly category: Refusal;
      readonly reason: string;
      /** Milliseconds since 1970: the token has been dead since then (APNs `timestamp`). */
      readonly unregisteredAt?: number;
      /** The push service asks to wait this many seconds. */
      readonly retryAfterSeconds?: number;
    };

/** An answer whose reason is the category itself. */
export const refuse = (category: Refusal): ProviderAnswer => ({ category, reason: category });
