import { backOffMs } from '@pushmesh/async';
import { Redis, ReplyError } from 'ioredis';
import type { Log } from '@pushmesh/telemetry';
import type { NodeChanges, PushNode, Registration } from '../../domain/node.ts';
import { StoreUnavailable } from '../../ports.ts';
import type { NodeStore, RegistrationStore } from '../../ports.ts';
import { createKeys } from './keys.ts';
import { loadScripts } from './scripts.ts';

type Options = {
  readonly url: string;
  readonly keyPrefix: string;
  readonly timeoutMs: number;
  readonly log: Log;
  readonly onState?: (up: boolean) => void;
};

const reconnectBackOff = { firstMs: 100, maxMs: 2_000 };

/** Push nodes and registrations in Redis. Nothing is buffered while Redis is away: every call fails at once. */
export const createRedisStore = ({ url, keyPrefix, timeoutMs, log, onState = () => {} }: Options) => {
  const redis = new Redis(url, {
    protocol: 2,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: timeoutMs,
    connectTimeout: 5_000,
    // A Redis that hangs is cut off, with what was queued for it: a command that was answered `unavailable` must not be
    // carried out later.
    socketTimeout: 2 * timeoutMs,
    retryStrategy: (failures) => backOffMs(reconnectBackOff, failures, 'full', Math.random()) + 20,
  });
  const keys = createKeys(keyPrefix);
  const scripts = loadScripts(redis);

  const { hostname, port } = new URL(url);
  const address = `${hostname}:${port || 6379}`;
  let why: string | undefined;
  let isTold = false;
  redis.on('ready', () => {
    why = undefined;
    log.info({ event: 'redis-ready' });
    onState(true);
  });
  redis.on('close', () => onState(false));
  redis.on('reconnecting', () => (isTold = false));
  redis.on('error', (error: Error) => {
    // Of one attempt the first error tells why; those that follow only that there is no connection.
    if (isTold) return;
    isTold = true;
    why = reasonOf(error);
    log.warn({ event: 'redis-error', address, why });
  });

  let refusal: { readonly word: string; readonly at: number } | undefined;
  const available = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof ReplyError) refusal = { word: wordOf(error as Error), at: Date.now() };
      throw new StoreUnavailable('Redis did not answer as expected', { cause: error });
    }
  };
  const doneOrChanged = async (code: Promise<number>) => ((await available(code)) === 1 ? 'done' : 'changed');

  const store: NodeStore & RegistrationStore = {
    readNode: async (host, node) => toNode(host, node, await available(redis.hgetall(keys.node(host, node)))),
    createNode: (node, replaces) =>
      doneOrChanged(scripts['create-node'](keys.node(node.host, node.node), replaces ?? '', ...toFields(node))),
    changeNode: (host, node, version, changes) =>
      doneOrChanged(scripts['change-node'](keys.node(host, node), version, ...changedFields(changes))),
    deleteNode: (host, node, version) => doneOrChanged(scripts['delete-node'](keys.node(host, node), version)),
    renewNode: (host, node, version, device) =>
      doneOrChanged(scripts['renew-node'](keys.node(host, node), version, device)),
    retireNode: (host, node, version, at, keepMs) =>
      doneOrChanged(scripts['retire-node'](keys.node(host, node), version, at, keepMs)),
    nodesOf: (host, owner) => available(redis.smembers(keys.nodesOf(host, owner))),
    addToIndex: async (host, owner, node, limit) =>
      (await available(scripts['add-to-index'](keys.nodesOf(host, owner), node, limit))) === 1,
    removeFromIndex: async (host, owner, node) => {
      await available(redis.srem(keys.nodesOf(host, owner), node));
    },

    enable: async (user, registration, limit) => {
      const { service, node, ...value } = registration;
      const code = scripts.enable(
        keys.registrations(user),
        JSON.stringify([service, node]),
        JSON.stringify(value),
        limit,
      );
      return (await available(code)) === 1 ? 'done' : 'too-many';
    },
    disable: (user, service, node) =>
      available(
        scripts.disable(keys.registrations(user), service, node === undefined ? '' : JSON.stringify([service, node])),
      ),
    registrationsOf: async (user) => {
      const fields = await available(redis.hgetall(keys.registrations(user)));
      return Object.entries(fields).map(([field, json]) => {
        const [service = '', node = ''] = JSON.parse(field) as string[];
        return { service, node, ...(JSON.parse(json) as Pick<Registration, 'options' | 'enabledAt'>) };
      });
    },
  };

  return {
    store,
    resource: {
      name: 'redis',
      // Redis may come later: connecting goes on by itself, and `missing` says so until then.
      start: () => {
        // What it rejects with says nothing that the event `error` did not.
        redis.connect().catch(() => {});
        return Promise.resolve();
      },
      missing: () => {
        if (redis.status !== 'ready') return `Redis at ${address} is ${redis.status}${why ? ` (${why})` : ''}`;
        const isRecent = refusal && Date.now() - refusal.at < refusalShownMs;
        return isRecent ? `Redis answers ${refusal?.word}` : undefined;
      },
      stop: async () => {
        await redis.quit().catch(() => redis.disconnect());
      },
    },
  };
};

/**
 * How long `missing` tells of an error that Redis answered. A Redis that is full or a replica still answers what is only
 * read, so that a good answer does not mean that it is well again.
 */
const refusalShownMs = 10_000;

/** The kind of an error, such as READONLY, OOM or MASTERDOWN: what follows it may name keys. */
const wordOf = ({ message }: Error): string => /^[A-Z]+/.exec(message)?.[0] ?? 'an error';

/**
 * Why there is no connection. The error itself is not for a log: ioredis adds the command to it, and that of AUTH has the
 * password.
 */
const reasonOf = (error: Error & { code?: string }): string => {
  if (error instanceof ReplyError) {
    const word = wordOf(error);
    return credentialWords.has(word) ? `${word}: look at user and password in REDIS_URL` : word;
  }
  if (/RESP type|^Protocol error/.test(error.message)) return 'what answers there is no Redis: look at REDIS_URL';
  return error.code ?? error.message;
};

const credentialWords: ReadonlySet<string> = new Set(['NOAUTH', 'NOPERM', 'WRONGPASS']);

const toFields = (node: PushNode): (string | number)[] => [
  'owner',
  node.owner,
  'version',
  node.version,
  ...changedFields(node),
];

const changedFields = ({ publishModel, affiliations, secret, freshAt }: NodeChanges): (string | number)[] => [
  ...(publishModel === undefined ? [] : ['publishModel', publishModel]),
  ...(affiliations === undefined ? [] : ['affiliations', JSON.stringify(affiliations)]),
  ...(secret === undefined ? [] : ['secret', secret]),
  ...(freshAt === undefined ? [] : ['freshAt', freshAt]),
];

const toNode = (host: string, node: string, fields: Readonly<Record<string, string>>): PushNode | undefined => {
  const { owner, publishModel, affiliations, secret, version, freshAt, device, retiredAt } = fields;
  if (owner === undefined || version === undefined) return undefined;
  return {
    host,
    node,
    owner,
    publishModel: publishModel === 'open' ? 'open' : 'publishers',
    affiliations: JSON.parse(affiliations ?? '{}') as PushNode['affiliations'],
    ...(secret && { secret }),
    version: Number(version),
    freshAt: Number(freshAt),
    ...(device !== undefined && { device }),
    ...(retiredAt !== undefined && { retiredAt: Number(retiredAt) }),
  };
};
