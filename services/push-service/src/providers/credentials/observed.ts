import type { Refusal } from '../../push/category.ts';
import { isPage } from '../response.ts';
import { findings } from './finding.ts';
import type { Finding } from './finding.ts';

/** What came back when a provider was asked something that reaches no device. */
export type Observed =
  | { readonly type: 'answer'; readonly status: number; readonly body: string; readonly date?: string }
  /** `reason` is an error code of Node, OpenSSL or the connection pool. */
  | { readonly type: 'fault'; readonly reason: string };

/** How many milliseconds the provider's clock is ahead of ours, from the `date` of its answer. */
export const skewOf = (observed: Observed, now: number): number | undefined => {
  const theirs = observed.type === 'answer' ? Date.parse(observed.date ?? '') : Number.NaN;
  return Number.isNaN(theirs) ? undefined : theirs - now;
};

/** Whether an unsuccessful answer came from somebody else. A 5xx may come from whatever stands in front of the provider. */
export const isForeign = ({ status, body }: Extract<Observed, { type: 'answer' }>): boolean =>
  status < 400 || (status < 500 && status !== 429 && isPage(body));

/** What an answer without a telling reason word means for the credentials. */
export const findingOfCategory: Readonly<Record<Refusal, Finding>> = {
  invalid_request: findings.fine,
  unregistered: findings.fine,
  payload_too_large: findings.unexpected,
  too_many_requests: findings.throttled,
  service_internal: findings.provider_out,
  auth: findings.unexpected,
  third_party_auth: findings.unexpected,
  internal_config: findings.unexpected,
  unspecified: findings.unexpected,
  unknown: findings.unexpected,
  no_matching_pool: findings.unexpected,
  invalid_notification: findings.unexpected,
  unable_to_connect: findings.unreachable,
  connection_lost: findings.unreachable,
  request_timeout: findings.unreachable,
};

/** What it means that there was no answer; `reason` is that of the fault. */
export const findingOfFault = (reason: string): Finding =>
  faultReasons.find(([pattern]) => pattern.test(reason))?.[1] ?? findings.unreachable;

const faultReasons: readonly (readonly [RegExp, Finding])[] = [
  [/^(?:ENOTFOUND|EAI_)/, findings.name_unknown],
  [/^no_h2$/, findings.no_http2],
  // How OpenSSL reports that the other side rejected our certificate.
  [/ALERT.*CERTIFICATE|ALERT_(?:UNKNOWN_CA|ACCESS_DENIED)/, findings.certificate_refused],
  [/CERT|SIGNATURE|ISSUER|SELF_SIGNED|HOSTNAME_MISMATCH/, findings.stranger],
  [/ALPN|NO_APPLICATION_PROTOCOL/, findings.no_http2],
  // The other side speaks neither TLS nor HTTP.
  [/WRONG_VERSION|PACKET_LENGTH|^EPROTO$|^HPE_/, findings.foreign_answer],
];
