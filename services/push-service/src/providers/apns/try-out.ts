import { randomUUID } from 'node:crypto';
import { judgeApns, skewOf } from '../credentials/judge.ts';
import type { Observed } from '../credentials/judge.ts';
import type { TriedOut } from '../../push/provider.ts';
import { createHttp2Pool } from '../http2/pool.ts';
import type { ApnsCredentials } from './credentials.ts';
import type { ProviderTokens } from './provider-tokens.ts';
import { apnsTls } from './tls.ts';

type Options = {
  readonly credentials: ApnsCredentials;
  /** The origin of APNs. */
  readonly endpoint: string;
  readonly defaultTopic: string | undefined;
  readonly ca?: string;
  readonly verify: boolean;
  readonly timeoutMs: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly tokens: ProviderTokens;
};

/** Nothing that Apple ever gave to a device: those are hexadecimal. */
const noDevice = '/3/device/badtoken.push-service-check';

/** Asks APNs what it thinks of credentials, on a connection of its own, by a push that can reach no device. */
export const tryOutApns = async (options: Options): Promise<TriedOut> => {
  const { credentials, endpoint, defaultTopic, ca, verify, timeoutMs, clock, tokens } = options;
  const pool = createHttp2Pool({
    origin: endpoint,
    connections: 1,
    queueLimit: 1,
    timeoutMs,
    tls: apnsTls(credentials, { verify, ...(ca !== undefined && { ca }) }),
  });
  const token = tokens.of(credentials)?.current();
  const answer = await pool.request({
    path: noDevice,
    headers: {
      'apns-id': randomUUID(),
      'apns-push-type': 'alert',
      ...(defaultTopic !== undefined && { 'apns-topic': defaultTopic }),
      ...(token !== undefined && { authorization: `bearer ${token}` }),
    },
    body: '{"aps":{"alert":""}}',
  });
  await pool.close(0);
  const observed: Observed =
    answer.type === 'fault'
      ? { type: 'fault', reason: answer.reason ?? answer.fault }
      : { type: 'answer', status: answer.status, body: answer.body, date: answer.headers['date'] ?? '' };
  return { finding: judgeApns(observed, credentials.type), skewMs: skewOf(observed, clock()) };
};
