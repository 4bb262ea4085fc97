import { modes } from '@pushmesh/contracts';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { commonProperties } from '../settings/pools-file.ts';
import type { EntryPlace, PoolsFileSection } from '../settings/pools-file.ts';
import { poolSize } from '../settings/variables.ts';
import type { ApnsFiles } from './credential-files.ts';
import { apnsEndpoint, toApnsSettings } from './settings.ts';
import type { ApnsSettings } from './settings.ts';

const word = Type.Optional(Type.String({ minLength: 1 }));

const Entry = Type.Object(
  {
    ...commonProperties,
    mode: Type.Enum([...modes]),
    p8_token: word,
    key_id: word,
    team_id: word,
    cert: word,
    key: word,
    default_topic: word,
    use_2197: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
type Entry = Static<typeof Entry>;

/** `apns` in the pools file. */
export const apnsPoolsFile: PoolsFileSection<ApnsSettings> = {
  title: 'APNs apps',
  entry: Entry,
  defaultName: ({ mode }: Entry) => `apns_${mode}`,
  problemOf: (entry) =>
    kindOfCredentials(entry) ? undefined : 'expected either p8_token, key_id and team_id, or cert and key',
  toSettings: (entry: Entry, name, place) =>
    toApnsSettings({
      name,
      mode: entry.mode,
      tags: entry.tags ?? [],
      files: toFiles(entry, place),
      defaultTopic: entry.default_topic,
      endpoint: apnsEndpoint({ mode: entry.mode, host: entry.endpoint, use2197: entry.use_2197 ?? false }),
      connections: entry.pool_size ?? poolSize,
    }),
};

type Credentials = Readonly<Partial<Record<'p8_token' | 'key_id' | 'team_id' | 'cert' | 'key', unknown>>>;

/** Which kind of credentials an entry has, if they are complete and of one kind only. */
const kindOfCredentials = ({ p8_token, key_id, team_id, cert, key }: Credentials): ApnsFiles['type'] | undefined => {
  const ofToken = [p8_token, key_id, team_id].filter((each) => each !== undefined).length;
  const ofCertificate = [cert, key].filter((each) => each !== undefined).length;
  if (ofToken === 3 && ofCertificate === 0) return 'token';
  return ofToken === 0 && ofCertificate === 2 ? 'certificate' : undefined;
};

/** Of an entry that `problemOf` has found complete. */
const toFiles = (entry: Entry, place: EntryPlace): ApnsFiles => {
  const { p8_token = '', key_id = '', team_id = '', cert = '', key = '' } = entry;
  if (kindOfCredentials(entry) === 'token')
    return { type: 'token', p8: place.file('p8_token', p8_token), keyId: key_id, teamId: team_id };
  return {
    type: 'certificate',
    cert: place.file('cert', cert),
    key: place.file('key', key),
    topicNamedBy: place.at('default_topic'),
  };
};
