import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { groups, problemOfAddress, readConfig } from '@pushmesh/config';
import type { Check } from '@pushmesh/config';

const checkUrl: Check = (url) =>
  url === undefined
    ? undefined
    : problemOfAddress(url, {
        schemes: ['http', 'https'],
        path: true,
        credentials: 'the push API takes a token, from PUSH_API_TOKEN_FILE',
      });

const checkCa: Check = (ca) =>
  ca === undefined || isCertificates(ca)
    ? undefined
    : 'must hold one or more certificates in PEM, and nothing else between their lines of dashes';

const checkPair: Check = (key, { PUSH_API_CERT: cert }) =>
  (key === undefined && cert === undefined) || (key !== undefined && cert !== undefined && isPair(cert, key))
    ? undefined
    : 'PUSH_API_CERT and PUSH_API_KEY must be a certificate and its unencrypted private key, both in PEM';

/** The variables of the dispatcher. */
export const dispatcherSchema = Type.Object({
  PUSH_API_URL: Type.String({
    default: 'http://127.0.0.1:8080',
    check: checkUrl,
    description: 'the MongoosePush API: push-service, or MongoosePush itself',
    examples: ['https://mongoosepush:8443'],
  }),
  PUSH_API_VERSION: Type.Enum(['v2', 'v3'], {
    default: 'v3',
    description: 'the version of the MongoosePush API; v1 is not offered, because it has no silent pushes',
    examples: ['v3'],
  }),
  PUSH_API_FCM_DEV: Type.Boolean({
    default: true,
    description:
      'whether pushes to FCM carry `mode: dev` if the options ask for it; MongoosePush itself has no such pool and answers 400',
    examples: [false],
  }),
  PUSH_API_TIMEOUT_MS: Type.Integer({
    default: 8_000,
    minimum: 100,
    maximum: 25_000,
    description: 'how long the push API may take to answer; MongoosePush itself gives up after 5 s, so stay above that',
    examples: [8000],
  }),
  PUSH_API_CA: Type.Optional(
    Type.String({
      check: checkCa,
      description:
        "the CA certificates in PEM that may have signed the push API's certificate; give a path in PUSH_API_CA_FILE",
      examples: ['PUSH_API_CA_FILE=/etc/pushmesh/ca.pem'],
    }),
  ),
  PUSH_API_TLS_VERIFY: Type.Boolean({
    default: true,
    description:
      "whether the certificate of the push API is verified; MongoosePush's image comes with a self-signed one",
    examples: [true],
  }),
  PUSH_API_TOKEN: Type.Optional(
    Type.String({
      secret: true,
      pattern: '^[A-Za-z0-9._~+/-]+=*$',
      description: "the bearer token for the push API: one of push-service's HTTP_BEARER_TOKENS",
      examples: ['PUSH_API_TOKEN_FILE=/run/secrets/push-api-token'],
    }),
  ),
  PUSH_API_CERT: Type.Optional(
    Type.String({
      description: 'the client certificate in PEM, if the push API requires one; give a path in PUSH_API_CERT_FILE',
      examples: ['PUSH_API_CERT_FILE=/run/secrets/tls/tls.crt'],
    }),
  ),
  PUSH_API_KEY: Type.Optional(
    Type.String({
      secret: true,
      check: checkPair,
      description: 'its private key in PEM; give a path in PUSH_API_KEY_FILE',
      examples: ['PUSH_API_KEY_FILE=/run/secrets/tls/tls.key'],
    }),
  ),
  CONCURRENCY: Type.Integer({
    default: 64,
    minimum: 1,
    description: 'how many deliveries of one push service and mode are in flight at the same time',
    examples: [64],
  }),
  MAX_ATTEMPTS: Type.Integer({
    default: 10,
    minimum: 1,
    description:
      'how many attempts a delivery gets before it is parked. An attempt that fails because of an outage does not count: no answer from the push API, APNs or FCM out, or our credentials refused; such a delivery is retried until its deadline',
    examples: [10],
  }),
  RETRY_BASE_MS: Type.Integer({
    default: 1_000,
    minimum: 1,
    description: 'the maximum wait before the second attempt; the maximum doubles with each further attempt',
    examples: [1000],
  }),
  RETRY_CAP_MS: Type.Integer({
    default: 60_000,
    minimum: 1,
    description: 'the maximum wait between attempts, unless the push API asks for a longer one',
    examples: [60000],
  }),
  BREAKER_VOLUME: Type.Integer({
    default: 40,
    minimum: 1,
    description:
      'how many pushes must have been tried within ten seconds before the circuit can open; keep it above the 32 of one request, or a single failed request opens it',
    examples: [40],
  }),
  BREAKER_ERROR_PERCENT: Type.Integer({
    default: 50,
    minimum: 1,
    maximum: 100,
    description: 'the percentage of these that must have failed for the circuit to open',
    examples: [50],
  }),
  BREAKER_RESET_MS: Type.Integer({
    default: 5_000,
    minimum: 50,
    description: 'how long an open circuit waits before it lets one delivery try again',
    examples: [5000],
  }),
  FALLBACK_TEXT: Type.String({
    default: 'New message',
    minLength: 1,
    description: 'the title or body of a notification if the XMPP server sent none',
    examples: ['New message'],
  }),
  ...groups.nats,
  ...groups.ops,
  ...groups.log,
});

export type DispatcherConfig = Omit<Static<typeof dispatcherSchema>, 'PUSH_API_CERT' | 'PUSH_API_KEY'> & {
  /** What we present to the push API, PEM. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
};

/** @throws {ConfigError} with every problem at once */
export const readDispatcherConfig = (env?: NodeJS.ProcessEnv): DispatcherConfig =>
  readConfig(
    dispatcherSchema,
    env,
    ({ PUSH_API_CERT: cert, PUSH_API_KEY: key, ...values }) => ({
      ...values,
      certificate: cert === undefined || key === undefined ? undefined : { cert, key },
    }),
    { prefixes: ['PUSH_API_'], shared: ['NATS_'] },
  );

/** Node silently accepts anything after or instead of a certificate, and then trusts nobody by it. */
const isCertificates = (pem: string): boolean => {
  const blocks = pem.match(/-----BEGIN [^-]*-----.*?(?:-----END [^-]*-----|$)/gs) ?? [];
  return blocks.length > 0 && blocks.every(isCertificate);
};

const isCertificate = (pem: string): boolean => {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
};

const isPair = (cert: string, key: string): boolean => {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
};
