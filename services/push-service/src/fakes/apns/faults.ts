import { actOf } from '../../adapters/sandbox/device-token.ts';
import { parseJson } from '../../domain/parse-json.ts';
import type { ApnsRequest } from './checks.ts';

/** An answer of APNs, or what stands in its place. */
export type ApnsReply = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** What may happen to a request instead of being judged. */
export type ApnsFault =
  /** Any answer, right or wrong. */
  | ({ readonly type: 'answer' } & ApnsReply)
  /** Is judged later. */
  | { readonly type: 'slow'; readonly ms: number }
  /** Nothing comes, until `release`. */
  | { readonly type: 'hold' }
  /** RST_STREAM with a code of RFC 9113 §7; 7 is REFUSED_STREAM. */
  | { readonly type: 'reset'; readonly code: number }
  /** The answer begins and breaks off. */
  | { readonly type: 'break'; readonly status: number };

export const refusal = (status: number, reason: string, more: object = {}): ApnsReply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ reason, ...more }),
});

const internalError = 2;
/** Bytes of an alert's body that a device takes which finds the rest too large. */
const shortBodyBytes = 512;

/**
 * What a device token chooses for itself by its first word: `unregistered.…`, `badtoken.…`, `throttled.…`,
 * `unavailable.…`, `reset.…`, `slow.<ms>.…`, `toolarge.…`, `toolarge.always.…`
 *
 * @param deadSince milliseconds since 1970
 */
export const faultOf = (request: ApnsRequest, deadSince: () => number): ApnsFault | undefined => {
  const act = actOf(request.token);
  switch (act.type) {
    case 'accept':
      return undefined;
    case 'slow':
      return act;
    case 'reset':
      return { type: 'reset', code: internalError };
    case 'unregistered':
      return { type: 'answer', ...refusal(410, 'Unregistered', { timestamp: deadSince() }) };
    case 'badtoken':
      return { type: 'answer', ...refusal(400, 'BadDeviceToken') };
    case 'throttled': {
      const reply = refusal(429, 'TooManyRequests');
      return { type: 'answer', ...reply, headers: { ...reply.headers, 'retry-after': '2' } };
    }
    case 'unavailable':
      return { type: 'answer', ...refusal(503, 'ServiceUnavailable') };
    case 'toolarge':
      if (!act.always && alertBodyBytes(request) <= shortBodyBytes) return undefined;
      return { type: 'answer', ...refusal(413, 'PayloadTooLarge') };
  }
};

const alertBodyBytes = ({ body }: ApnsRequest): number => {
  const payload = parseJson(body) as { aps?: { alert?: { body?: unknown } } } | null | undefined;
  const text = payload?.aps?.alert?.body;
  return typeof text === 'string' ? Buffer.byteLength(text) : 0;
};
