import { Type } from 'typebox';
import type { Static } from 'typebox';
import { groups, readConfig } from '@pushmesh/config';
import type { Check } from '@pushmesh/config';

/** Unlike other addresses, this may contain credentials; a password that is not percent-encoded makes it unparsable. */
const checkRedisUrl: Check = (url) =>
  url === undefined || (URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol) && new URL(url).hostname !== '')
    ? undefined
    : 'is not redis://[[user]:password@]host[:port][/database], or rediss:// for TLS; in a password, write # / ? % @ as %23 %2F %3F %25 %40';

/** Normalised in the same way as the gateway normalises a publisher. */
const domainsOf = (list: string): readonly string[] =>
  list
    .split(',')
    .map((domain) => domain.trim().normalize('NFKC').toLowerCase().replace(/\.$/, ''))
    .filter((domain) => domain !== '');

/** A misspelt publisher would be refused, and its server would drop its registrations. */
const checkDomains: Check = (list = '') => {
  const isDomain = /^[\p{L}\p{M}\p{N}_-]+(?:\.[\p{L}\p{M}\p{N}_-]+)*$/u;
  const problems = domainsOf(list).flatMap((domain, index) =>
    isDomain.test(domain) ? [] : [`entry ${index + 1} is not a domain name`],
  );
  return problems.length === 0 ? undefined : problems.join('; ');
};

/** The variables of pubsub-push. */
export const pubsubPushSchema = Type.Object({
  REDIS_URL: Type.String({
    default: 'redis://127.0.0.1:6379',
    secret: true,
    check: checkRedisUrl,
    description:
      'the Redis that stores push nodes and registrations; use one with an append-only file (appendonly yes)',
    examples: ['redis://redis:6379'],
  }),
  REDIS_KEY_PREFIX: Type.String({
    default: 'pushmesh:',
    description: 'the prefix of every key',
    examples: ['pushmesh:'],
  }),
  REDIS_TIMEOUT_MS: Type.Integer({
    default: 800,
    minimum: 10,
    description: "how long Redis may take to answer; keep it below the gateway's COMMAND_TIMEOUT_MS",
    examples: [800],
  }),
  PUBLISH_MODEL: Type.Enum(['publishers', 'open'], {
    default: 'publishers',
    description:
      'who may publish to a new node: `publishers` (its owner and the XMPP server of its owner) or `open` (everybody, the default of MongooseIM)',
    examples: ['publishers'],
  }),
  TRUSTED_PUBLISHERS: Type.String({
    default: '',
    check: checkDomains,
    description: 'the domains that may publish to every node, separated by commas',
    examples: ['xmpp.example.org'],
  }),
  MAX_NODES_PER_OWNER: Type.Integer({
    default: 100,
    minimum: 1,
    description: 'how many push nodes one account may have',
    examples: [100],
  }),
  MAX_REGISTRATIONS_PER_USER: Type.Integer({
    default: 100,
    minimum: 1,
    description: 'how many registrations one account may have',
    examples: [100],
  }),
  RETIRED_KEPT_SECONDS: Type.Integer({
    default: 2_592_000,
    minimum: 60,
    description: 'how long a retired node is kept',
    examples: [2592000],
  }),
  MAX_COMMANDS_IN_FLIGHT: Type.Integer({
    default: 2_000,
    minimum: 1,
    description: 'how many commands may wait for Redis at the same time; further ones are answered `unavailable`',
    examples: [2000],
  }),
  CONCURRENCY: Type.Integer({
    default: 64,
    minimum: 1,
    description: 'how many results, and how many unverified publishes, are processed at the same time',
    examples: [64],
  }),
  ...groups.nats,
  ...groups.ops,
  ...groups.log,
});

export type PubsubPushConfig = Omit<Static<typeof pubsubPushSchema>, 'TRUSTED_PUBLISHERS'> & {
  readonly trustedDomains: ReadonlySet<string>;
};

/** @throws {ConfigError} with every problem at once */
export const readPubsubPushConfig = (env: NodeJS.ProcessEnv = process.env): PubsubPushConfig =>
  readConfig(
    pubsubPushSchema,
    env,
    ({ TRUSTED_PUBLISHERS: list, ...values }) => ({
      ...values,
      trustedDomains: new Set(domainsOf(list)),
    }),
    { shared: ['NATS_', 'REDIS_', 'TRUSTED_', 'PUBLISH_'] },
  );
