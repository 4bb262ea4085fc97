import { backOffMs } from '@pushmesh/async';
import { Redis, ReplyError } from 'ioredis';
import type { Log } from '@pushmesh/telemetry';
import type { NodeChanges, PushNode, Registration } from '../../domain/node.ts';
import { StoreUnavailable } from '../../ports.ts';
import type { NodeStore, RegistrationStore } from '../../ports.ts';
import { createKeys } from './keys.ts';
import { loadScripts } from './scripts.ts';
import type { Scripts } from './scripts.ts';

type Options = {
  readonly url: string;
  readonly keyPrefix: string;
  readonly timeoutMs: number;
  readonly log: Log;
  readonly onState?: (up: boolean) => void;
};

const reconnectBackOff = { firstMs: 100, maxMs: 2_000 };

/** Push nodes and registrations in Redis. Nothing is buffered while Redis is unavailable: every call fails at once. */
export const createRedisStore = ({ url, keyPrefix, timeoutMs, log, onState = () => {} }: Options) => {
  const redis = new Redis(url, {
    protocol: 2,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: timeoutMs,
    connectTimeout: 5_000,
    // If Redis hangs, the connection is cut together with what was queued on it: a command that was answered
    // `unavailable` must not be executed later.
    socketTimeout: 2 * timeoutMs,
    retryStrategy: (failures) => backOffMs(reconnectBackOff, failures, 'full', Math.random()) + 20,
  });

  const { hostname, port } = new URL(url);
  const address = `${hostname}:${port || 6379}`;
  let why: string | undefined;
  let isReported = false;
  redis.on('ready', () => {
    why = undefined;
    log.info({ event: 'redis-ready' });
    onState(true);
  });
  redis.on('close', () => onState(false));
  redis.on('reconnecting', () => (isReported = false));
  redis.on('error', (error: Error) => {
    // The first error of an attempt tells why it failed; the following ones only say that there is no connection.
    if (isReported) return;
    isReported = true;
    why = reasonOf(error);
    log.warn({ event: 'redis-error', address, why });
  });

  let errorReply: { readonly code: string; readonly at: number } | undefined;
  const available = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof ReplyError) errorReply = { code: codeOf(error as Error), at: Date.now() };
      throw new StoreUnavailable('Redis did not answer as expected', { cause: error });
    }
  };
  const access: Access = { redis, keys: createKeys(keyPrefix), scripts: loadScripts(redis), available };

  return {
    store: { ...nodeStore(access), ...registrationStore(access) },
    resource: {
      name: 'redis',
      // Redis may become available later: the client keeps connecting, and until then `missing` says so.
      start: () => {
        // The rejection adds nothing to the event `error`.
        redis.connect().catch(() => {});
        return Promise.resolve();
      },
      missing: () => {
        if (redis.status !== 'ready') return `Redis at ${address} is ${redis.status}${why ? ` (${why})` : ''}`;
        const isRecent = errorReply && Date.now() - errorReply.at < errorReplyShownMs;
        return isRecent ? `Redis answers ${errorReply?.code}` : undefined;
      },
      stop: async () => {
        await redis.quit().catch(() => redis.disconnect());
      },
    },
  };
};

/**
 * How long `missing` reports an error that Redis replied with. Redis still answers reads if it is out of memory or a
 * replica, so a successful answer does not mean that the error is over.
 */
const errorReplyShownMs = 10_000;

/** The code of an error reply, such as READONLY, OOM or MASTERDOWN. The text after the code may contain keys. */
const codeOf = ({ message }: Error): string => /^[A-Z]+/.exec(message)?.[0] ?? 'an error';

/**
 * Why there is no connection. The error itself must not be logged: ioredis adds the command to it, and an AUTH command
 * contains the password.
 */
const reasonOf = (error: Error & { code?: string }): string => {
  if (error instanceof ReplyError) {
    const code = codeOf(error);
    return credentialCodes.has(code) ? `${code}: check the user and password in REDIS_URL` : code;
  }
  if (/RESP type|^Protocol error/.test(error.message))
    return 'the server at this address is not Redis: check REDIS_URL';
  return error.code ?? error.message;
};

const credentialCodes: ReadonlySet<string> = new Set(['NOAUTH', 'NOPERM', 'WRONGPASS']);

/** What a store needs to call Redis; `available` turns every failure into `StoreUnavailable`. */
type Access = {
  readonly redis: Redis;
  readonly keys: ReturnType<typeof createKeys>;
  readonly scripts: Scripts;
  readonly available: <T>(answer: Promise<T>) => Promise<T>;
};

const nodeStore = ({ redis, keys, scripts, available }: Access): NodeStore => {
  const doneOrChanged = async (code: Promise<number>) => ((await available(code)) === 1 ? 'done' : 'changed');
  return {
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
  };
};

const registrationStore = ({ redis, keys, scripts, available }: Access): RegistrationStore => ({
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
});

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
