import type { TriedOut } from '../credentials/finding.ts';
import { maxSkewMs } from '../credentials/finding.ts';
import { credentialsOf } from '../credentials/loaded.ts';
import { skewOf } from '../credentials/observed.ts';
import type { Observed } from '../credentials/observed.ts';
import { createHttp2Pool } from '../http2/pool.ts';
import type { RuntimeOptions } from '../module.ts';
import { toTokenForm } from './assertion.ts';
import { judgeFcm, judgeGrant } from './findings.ts';
import type { ServiceAccount } from './service-account.ts';
import type { FcmSettings } from './settings.ts';
import { readTokenAnswer } from './token-answer.ts';
import { createTokenEndpoint } from './token-endpoint.ts';
import type { TokenEndpoint } from './token-endpoint.ts';

/** Asks Google for an access token, and FCM what it thinks of it, with a message that can reach no device. */
export const tryOutFcmPool = async (settings: FcmSettings, options: RuntimeOptions): Promise<TriedOut> => {
  const account = credentialsOf(settings);
  const { origin, tokenUri = account.tokenUri } = settings;
  const asked: Asked = { ...options, account, origin, tokenUri, endpoint: createTokenEndpoint(options) };
  const first = await askForToken(asked, 0);
  const { skewMs } = first;
  // A clock that is off does not keep pushes from FCM: they go by Google's clock then, and so does this.
  const access = first.grant.type === 'refused' && isOff(skewMs) ? await askForToken(asked, skewMs) : first;
  if (access.grant.type !== 'token') return { finding: judgeGrant(access.observed), skewMs, foundAt: nameOf(tokenUri) };
  return { finding: judgeFcm(await send(asked, access.grant.token)), skewMs };
};

type Asked = RuntimeOptions & {
  readonly account: ServiceAccount;
  /** The origin of FCM. */
  readonly origin: string;
  readonly tokenUri: string;
  readonly endpoint: TokenEndpoint;
};

const askForToken = async ({ account, tokenUri, endpoint, clock }: Asked, offsetMs: number) => {
  const answer = await endpoint(tokenUri, toTokenForm(account, tokenUri, clock() + offsetMs));
  const observed: Observed =
    answer.type === 'fault' ? answer : { ...answer, ...(answer.headers['date'] && { date: answer.headers['date'] }) };
  return { observed, grant: readTokenAnswer(answer, clock()), skewMs: skewOf(observed, clock()) };
};

const isOff = (skewMs: number | undefined): skewMs is number => skewMs !== undefined && Math.abs(skewMs) > maxSkewMs;

const nameOf = (tokenUri: string): string => {
  const { origin, pathname } = new URL(tokenUri);
  return `the token endpoint ${origin}${pathname}`;
};

/** With `validate_only` FCM checks the message and sends nothing. It never gave out this token. */
const body = JSON.stringify({ validate_only: true, message: { token: 'badtoken.push-service-check' } });

const send = async ({ account, origin, ca, verify, timeoutMs }: Asked, token: string): Promise<Observed> => {
  const pool = createHttp2Pool({
    origin,
    connections: 1,
    queueLimit: 1,
    timeoutMs,
    tls: { rejectUnauthorized: verify, ...(ca !== undefined && { ca }) },
  });
  const answer = await pool.request({
    path: `/v1/projects/${account.projectId}/messages:send`,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body,
  });
  await pool.close(0);
  if (answer.type === 'fault') return { type: 'fault', reason: answer.reason ?? answer.fault };
  return { type: 'answer', status: answer.status, body: answer.body };
};
