import { randomUUID } from 'node:crypto';
import type { TriedOut } from '../credentials/finding.ts';
import { credentialsOf } from '../credentials/loaded.ts';
import { skewOf } from '../credentials/observed.ts';
import type { Observed } from '../credentials/observed.ts';
import { createHttp2Pool } from '../http2/pool.ts';
import type { RuntimeOptions } from '../module.ts';
import type { ApnsCredentials } from './credentials.ts';
import { apnsFindings, judgeApns } from './findings.ts';
import type { ProviderTokens } from './provider-tokens.ts';
import type { ApnsSettings } from './settings.ts';
import { apnsTls } from './tls.ts';

type Options = RuntimeOptions & { readonly tokens: ProviderTokens };

/** Tries out the credentials of a pool. */
export const tryOutApnsPool = async (settings: ApnsSettings, options: Options): Promise<TriedOut> => {
  const { read } = settings.loaded;
  // Apple would close the connection without a word.
  if (read.ok && read.expiresAt !== undefined && read.expiresAt <= options.clock())
    return { finding: apnsFindings.certificate_expired, skewMs: undefined };
  const { endpoint, defaultTopic } = settings;
  return tryOutApns({ ...options, credentials: credentialsOf(settings), endpoint, defaultTopic });
};

/** A device token that Apple never gave out: real ones are hexadecimal. */
const noDevice = '/3/device/badtoken.push-service-check';

type Asked = Options & {
  readonly credentials: ApnsCredentials;
  /** The origin of APNs. */
  readonly endpoint: string;
  readonly defaultTopic: string | undefined;
};

/** Asks APNs what it thinks of credentials: on a connection of its own, with a push that can reach no device. */
export const tryOutApns = async (asked: Asked): Promise<TriedOut> => {
  const { credentials, endpoint, defaultTopic, ca, verify, timeoutMs, clock, tokens } = asked;
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
