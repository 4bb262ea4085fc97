import { judgeFcm, judgeGrant, maxSkewMs, skewOf } from '../credentials/judge.ts';
import type { Observed } from '../credentials/judge.ts';
import type { TriedOut } from '../../push/provider.ts';
import { createHttp2Pool } from '../http2/pool.ts';
import { toTokenForm } from './assertion.ts';
import type { ServiceAccount } from './service-account.ts';
import { readTokenAnswer } from './token-answer.ts';
import type { TokenEndpoint } from './token-endpoint.ts';

type Options = {
  readonly account: ServiceAccount;
  /** The origin of FCM. */
  readonly origin: string;
  readonly tokenUri: string | undefined;
  readonly endpoint: TokenEndpoint;
  readonly ca?: string;
  readonly verify: boolean;
  readonly timeoutMs: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
};

/** `validate_only`: FCM looks at it and sends nothing. The token is none that it ever gave. */
const body = JSON.stringify({ validate_only: true, message: { token: 'badtoken.push-service-check' } });

/** Asks Google for an access token and FCM what it thinks of it, by a message that can reach no device. */
export const tryOutFcm = async (options: Options): Promise<TriedOut> => {
  const first = await askForToken(options, 0);
  const { skewMs } = first;
  // A clock that is off keeps FCM from nothing: who pushes goes by Google’s then, too.
  const asked = first.grant.type === 'refused' && isOff(skewMs) ? await askForToken(options, skewMs) : first;
  if (asked.grant.type !== 'token')
    return {
      finding: judgeGrant(asked.observed),
      skewMs,
      foundAt: nameOf(options.tokenUri ?? options.account.tokenUri),
    };
  return { finding: judgeFcm(await send(options, asked.grant.token)), skewMs };
};

const nameOf = (tokenUri: string): string => {
  const { origin, pathname } = new URL(tokenUri);
  return `the token endpoint ${origin}${pathname}`;
};

const isOff = (skewMs: number | undefined): skewMs is number => skewMs !== undefined && Math.abs(skewMs) > maxSkewMs;

const askForToken = async ({ account, tokenUri = account.tokenUri, endpoint, clock }: Options, offsetMs: number) => {
  const answer = await endpoint(tokenUri, toTokenForm(account, tokenUri, clock() + offsetMs));
  const observed: Observed =
    answer.type === 'fault' ? answer : { ...answer, ...(answer.headers['date'] && { date: answer.headers['date'] }) };
  return { observed, grant: readTokenAnswer(answer, clock()), skewMs: skewOf(observed, clock()) };
};

const send = async (options: Options, token: string): Promise<Observed> => {
  const { account, origin, ca, verify, timeoutMs } = options;
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
