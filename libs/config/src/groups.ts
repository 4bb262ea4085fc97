import { Type } from 'typebox';
import { problemOfAddress } from './address.ts';
import type { Check } from './read.ts';

/** Checks each server as the client reads it. The client would silently ignore anything else, such as a path. */
const checkNatsUrl: Check = (urls) =>
  urls
    ?.split(',')
    .map((url) =>
      problemOfAddress(url.trim(), {
        schemes: ['nats', 'tls'],
        bare: true,
        credentials: 'NATS wants a credentials file: name it in NATS_CREDS_FILE',
      }),
    )
    .find((why) => why !== undefined);

/** As `nsc generate creds` writes it: a JWT and the seed of a user's NKey, each between two lines of dashes. */
const credsFile =
  /^-{3,}[^\n]*-{3,}\s*\n\s*[\w-]+\.[\w-]+\.[\w-]+\s*\n\s*-{3,}[^\n]*-{3,}\s*\n.*^-{3,}[^\n]*-{3,}\s*\n\s*SU[A-Z2-7]{56}\s*\n\s*-{3,}[^\n]*-{3,}\s*$/ms;

const checkNatsCreds: Check = (text) =>
  text === undefined || credsFile.test(text)
    ? undefined
    : 'holds no NATS credentials: expected a block with a JWT and one with a seed (SU…), as `nsc generate creds` writes them';

/** The variables that several services share, each declared once. Spread a group into a service's `Type.Object`. */
export const groups = {
  log: {
    LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
      default: 'info',
      description: 'the lowest level that is logged',
    }),
  },
  ops: {
    OPS_HOST: Type.String({
      default: '127.0.0.1',
      description: 'the address that /livez, /readyz and /metrics listen on',
      examples: ['0.0.0.0'],
    }),
    OPS_PORT: Type.Integer({
      default: 9090,
      minimum: 0,
      maximum: 65535,
      description: 'the port of /livez, /readyz and /metrics (0: any free one)',
      examples: [9090],
    }),
    SHUTDOWN_DEADLINE_MS: Type.Integer({
      default: 20_000,
      minimum: 100,
      description:
        "how long a stopping service may take to finish its work in progress; keep it below the pod's grace period",
      examples: [20000],
    }),
    SHUTDOWN_DELAY_MS: Type.Integer({
      default: 0,
      minimum: 0,
      description:
        'how long a stopping service keeps working while /readyz already answers 503, so that load balancers notice',
      examples: [3000],
    }),
  },
  nats: {
    NATS_URL: Type.String({
      default: 'nats://127.0.0.1:4222',
      check: checkNatsUrl,
      description:
        'the NATS servers, separated by commas (`tls://`: TLS required); credentials go into NATS_CREDS, not into the URL',
      examples: ['nats://nats-0:4222,nats://nats-1:4222'],
    }),
    NATS_CREDS: Type.Optional(
      Type.String({
        secret: true,
        check: checkNatsCreds,
        description: 'the text of a NATS credentials file; give its path in NATS_CREDS_FILE',
        examples: ['NATS_CREDS_FILE=/run/secrets/nats.creds'],
      }),
    ),
    NATS_SUBJECT_PREFIX: Type.String({
      default: '',
      pattern: '^([A-Za-z0-9_-]+)?$',
      description: 'a prefix for every subject and stream name, so that two meshes can share one NATS',
      examples: ['staging'],
    }),
    PUBLISH_TIMEOUT_MS: Type.Integer({
      default: 5_000,
      minimum: 100,
      maximum: 600_000,
      description: 'how long JetStream may take to store a message; a publish that takes longer is answered `wait`',
      examples: [5000],
    }),
    NATS_STREAM_REPLICAS: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 5,
      description: 'the number of NATS servers that keep a copy of each stream',
      examples: [3],
    }),
    NATS_STREAM_MAX_BYTES: Type.Integer({
      default: 536_870_912,
      minimum: 1_048_576,
      description:
        'the maximum size in bytes of the stream of results and of the stream of parked deliveries; a full stream discards its oldest messages',
      examples: [536870912],
    }),
    NATS_STREAM_MAX_MESSAGES: Type.Integer({
      default: 1_000_000,
      minimum: 1,
      description:
        'the maximum number of pushes that wait in each stream (about 1 KB each); while a stream is full, publishes are answered `wait`',
      examples: [1000000],
    }),
  },
} as const;
