import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { unreadable } from '@pushmesh/config';
import type { Problem } from '@pushmesh/config';
import { modes } from '@pushmesh/contracts';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { ApnsFiles } from '../credentials/files.ts';
import { fcmPlatforms } from '../fcm/platforms.ts';
import { parseJson } from '../../push/parse-json.ts';
import { apnsEndpoint } from './declared-pools.ts';
import type { ApnsPool, FcmPool, Pools } from './declared-pools.ts';
import { fcmQuotaPerMinute, hostPattern, poolSize, tokenUrlPattern } from './variables.ts';

// What MongoosePush has in `[[service.fcm]]` and `[[service.apns]]` of its TOML file. Paths are relative to the file.

const optional = {
  name: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' })),
  tags: Type.Optional(Type.Array(Type.String(), { maxItems: 100 })),
  endpoint: Type.Optional(Type.String({ pattern: hostPattern })),
  pool_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
};
const word = Type.Optional(Type.String({ minLength: 1 }));
const strict = { additionalProperties: false };

const FcmEntry = Type.Object(
  {
    ...optional,
    app_file: Type.String({ minLength: 1 }),
    auth_endpoint: Type.Optional(Type.String({ pattern: tokenUrlPattern })),
    platforms: Type.Optional(Type.Array(Type.Enum([...fcmPlatforms]))),
    quota_per_minute: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  strict,
);
const ApnsEntry = Type.Object(
  {
    ...optional,
    mode: Type.Enum([...modes]),
    p8_token: word,
    key_id: word,
    team_id: word,
    cert: word,
    key: word,
    default_topic: word,
    use_2197: Type.Optional(Type.Boolean()),
  },
  strict,
);
const PoolsFile = Type.Object(
  {
    fcm: Type.Optional(Type.Array(FcmEntry, { maxItems: 100 })),
    apns: Type.Optional(Type.Array(ApnsEntry, { maxItems: 100 })),
  },
  strict,
);
const validator = Compile(PoolsFile);
type Content = Static<typeof PoolsFile>;
type Entry = Static<typeof FcmEntry> | Static<typeof ApnsEntry>;

const variable = 'PUSH_POOLS_FILE';
const at = (pointer: string): string => (pointer === '' ? variable : `${variable} ${pointer}`);

/** Reads the file that PUSH_POOLS_FILE names; each problem says where in the file it is. */
export const readPoolsFile = (path: string, problems: Problem[]): Pools => {
  const before = problems.length;
  const content = readContent(path, problems);
  if (!content) return { fcm: [], apns: [] };
  const folder = dirname(resolve(path));
  const fcm = (content.fcm ?? []).map((entry, index) => toFcmPool(entry, index, folder));
  const apns = (content.apns ?? []).flatMap((entry, index) => toApnsPool(entry, index, { folder, problems }));
  problems.push(...problemsOfNames(content, path));
  if (problems.length === before && fcm.length + apns.length === 0)
    problems.push({ variable, why: 'has no pool in it' });
  return { fcm, apns };
};

/** Without a name a pool is called as where variables configure it, whatever its place: the file may get others. */
const nameOf = (entry: Entry): string => entry.name ?? ('mode' in entry ? `apns_${entry.mode}` : 'fcm');

const problemsOfNames = ({ fcm = [], apns = [] }: Content, path: string): readonly Problem[] => {
  const places = [
    ...fcm.map((entry, index) => ({ name: nameOf(entry), place: `/fcm/${index}` })),
    ...apns.map((entry, index) => ({ name: nameOf(entry), place: `/apns/${index}` })),
  ];
  return [...Map.groupBy(places, ({ name }) => name)]
    .filter(([, same]) => same.length > 1)
    .map(([name, same]) => ({
      variable,
      why: `${path} has several pools called ${name}, at ${same.map(({ place }) => place).join(', ')}: give each a "name" of its own, by which it is known when the file changes`,
    }));
};

const readContent = (path: string, problems: Problem[]): Content | undefined => {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    problems.push({ variable, why: unreadable(path, error) });
    return undefined;
  }
  const content = parseJson(text);
  if (content === undefined) {
    problems.push({ variable, why: `${path} is not JSON` });
    return undefined;
  }
  if (validator.Check(content)) return content;
  // What is said of the whole object is said again of the property that is too much.
  for (const error of validator.Errors(content))
    if (error.keyword !== 'additionalProperties')
      problems.push({ variable: at(error.instancePath), why: wordsOf(error) });
  // What else would be found once these are mended.
  const { apns } = (content ?? {}) as { readonly apns?: unknown };
  for (const [index, entry] of (Array.isArray(apns) ? apns : []).entries())
    if (typeof entry === 'object' && entry !== null && !hasCredentials(entry as Credentials))
      problems.push(withoutCredentials(index));
  return undefined;
};

type SchemaError = { readonly keyword: string; readonly params: object; readonly message: string };

const wordsOf = ({ keyword, params, message }: SchemaError): string => {
  if (keyword === 'boolean') return 'is not known here';
  if (keyword === 'enum') return `expected one of ${(params as { allowedValues: string[] }).allowedValues.join(', ')}`;
  if (keyword === 'required')
    return `lacks ${(params as { requiredProperties: string[] }).requiredProperties.join(', ')}`;
  return message;
};

const toFcmPool = (entry: Static<typeof FcmEntry>, index: number, folder: string): FcmPool => ({
  service: 'fcm',
  name: nameOf(entry),
  tags: entry.tags ?? [],
  file: { path: resolve(folder, entry.app_file), namedBy: at(`/fcm/${index}/app_file`) },
  origin: `https://${entry.endpoint ?? 'fcm.googleapis.com'}`,
  tokenUri: entry.auth_endpoint,
  connections: entry.pool_size ?? poolSize,
  platforms: entry.platforms ?? fcmPlatforms,
  quotaPerMinute: entry.quota_per_minute ?? fcmQuotaPerMinute,
});

type Place = { readonly folder: string; readonly problems: Problem[] };

const toApnsPool = (entry: Static<typeof ApnsEntry>, index: number, { folder, problems }: Place): ApnsPool[] => {
  const { mode } = entry;
  const files = toApnsFiles(entry, index, folder);
  if (!files) {
    problems.push(withoutCredentials(index));
    return [];
  }
  return [
    {
      service: 'apns',
      name: nameOf(entry),
      mode,
      tags: entry.tags ?? [],
      files,
      defaultTopic: entry.default_topic,
      endpoint: apnsEndpoint({ mode, host: entry.endpoint, use2197: entry.use_2197 ?? false }),
      connections: entry.pool_size ?? poolSize,
    },
  ];
};

type Credentials = Readonly<Partial<Record<'p8_token' | 'key_id' | 'team_id' | 'cert' | 'key', unknown>>>;

/** Whether they are complete, and of one kind alone. */
const hasCredentials = ({ p8_token, key_id, team_id, cert, key }: Credentials): boolean => {
  const ofToken = [p8_token, key_id, team_id].filter((each) => each !== undefined).length;
  const ofCertificate = [cert, key].filter((each) => each !== undefined).length;
  return (ofToken === 3 && ofCertificate === 0) || (ofToken === 0 && ofCertificate === 2);
};

const withoutCredentials = (index: number): Problem => ({
  variable: at(`/apns/${index}`),
  why: 'expected either p8_token, key_id and team_id, or cert and key',
});

const toApnsFiles = (entry: Static<typeof ApnsEntry>, index: number, folder: string): ApnsFiles | undefined => {
  const { p8_token, key_id, team_id, cert, key } = entry;
  const file = (name: string, path: string) => ({ path: resolve(folder, path), namedBy: at(`/apns/${index}/${name}`) });
  if (!hasCredentials(entry)) return undefined;
  if (p8_token !== undefined && key_id !== undefined && team_id !== undefined)
    return { type: 'token', p8: file('p8_token', p8_token), keyId: key_id, teamId: team_id };
  if (cert !== undefined && key !== undefined)
    return {
      type: 'certificate',
      cert: file('cert', cert),
      key: file('key', key),
      topicNamedBy: at(`/apns/${index}/default_topic`),
    };
  return undefined;
};
