import { categoryTable, unregisteredAtHeader } from '@pushmesh/contracts';
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

/** v1 and v2 give the cause in words only. */
const flat: Row = { status: 500 };
const tryAgain: Row = { status: 503, word: 'Please try again later' };
const v1AndV2 = (category: Refusal): Row => (category === 'unable_to_connect' ? tryAgain : flat);

const tables = {
  v1: { rowOf: v1AndV2, key: 'details' },
  v2: { rowOf: v1AndV2, key: 'details' },
  v3: { rowOf: (category) => categoryTable[category].v3, key: 'reason' },
} as const satisfies Readonly<Record<PushApiVersion, { rowOf: (category: Refusal) => Row; key: string }>>;

/** The answer of `POST /{version}/notification/{device_id}` to what came of the push. */
export const toApiAnswer = (version: PushApiVersion, answer: ProviderAnswer): ApiAnswer => {
  if (answer.category === 'ok') return { status: 200, body: 'null', headers: {} };
  const { rowOf, key } = tables[version];
  const { status, word = answer.reason } = rowOf(answer.category);
  return {
    status,
    body: JSON.stringify({ [key]: word }),
    headers: {
      ...(answer.unregisteredAt !== undefined && { [unregisteredAtHeader]: String(answer.unregisteredAt) }),
      ...(answer.retryAfterSeconds !== undefined && { 'retry-after': String(answer.retryAfterSeconds) }),
    },
  };
};
