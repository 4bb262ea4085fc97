import type { Answer } from '../http2-reply.ts';

/** "Handling notification responses from APNs": a JSON body with the reason, and a `timestamp` for some reasons. */
export const refusal = (status: number, reason: string, more: object = {}): Answer => ({
  type: 'answer',
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ reason, ...more }),
});

/** The status that comes with a reason. */
export const statusOf = (reason: string): number => statuses[reason] ?? 400;

/** All reasons that do not come with status 400. */
const statuses: Readonly<Record<string, number>> = {
  BadCertificate: 403,
  BadCertificateEnvironment: 403,
  BadEnvironmentKeyIdInToken: 403,
  BadEnvironmentKeyInToken: 403,
  ExpiredProviderToken: 403,
  Forbidden: 403,
  InvalidProviderToken: 403,
  MissingProviderToken: 403,
  UnrelatedKeyIdInToken: 403,
  BadPath: 404,
  MethodNotAllowed: 405,
  ExpiredToken: 410,
  Unregistered: 410,
  PayloadTooLarge: 413,
  TooManyProviderTokenUpdates: 429,
  TooManyRequests: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
  Shutdown: 503,
};
