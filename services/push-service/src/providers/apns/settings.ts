import type { Problem } from '@pushmesh/config';
import { modes } from '@pushmesh/contracts';
import type { Mode } from '@pushmesh/contracts';
import type { Loaded } from '../credentials/loaded.ts';
import { readNamedFile } from '../credentials/named-file.ts';
import type { NamedFile } from '../credentials/named-file.ts';
import { requiredFile, requiredWord } from '../settings/required-variable.ts';
import { setVariables } from '../settings/set-variables.ts';
import type { Unused } from '../settings/set-variables.ts';
import type { ApnsCredentials } from './credentials.ts';
import { loadApnsCredentials } from './credential-files.ts';
import type { ApnsFiles } from './credential-files.ts';
import { apnsVariables } from './variables.ts';
import type { ApnsValues } from './variables.ts';

/** One APNs app in one environment. */
export type ApnsSettings = {
  readonly service: 'apns';
  readonly name: string;
  readonly mode: Mode;
  readonly tags: readonly string[];
  readonly loaded: Loaded<ApnsCredentials>;
  /** The topic of requests that name none: the configured one, else that of the certificate. */
  readonly defaultTopic: string | undefined;
  /** The origin of APNs. */
  readonly endpoint: string;
  readonly connections: number;
};

/** A pool whose credentials have not been read yet. */
type Declared = Omit<ApnsSettings, 'service' | 'loaded'> & { readonly files: ApnsFiles };

/** The settings of a pool, with its credentials as their files hold them now. */
export const toApnsSettings = ({ files, ...pool }: Declared): ApnsSettings => {
  const loaded = loadApnsCredentials(files, pool.defaultTopic);
  const { read } = loaded;
  const ofCertificate = read.ok && read.credentials.type === 'certificate' ? read.credentials.topic : undefined;
  return { service: 'apns', ...pool, loaded, defaultTopic: pool.defaultTopic ?? ofCertificate };
};

type Apple = { readonly mode: Mode; readonly host: string | undefined; readonly use2197: boolean };

/** The origin of APNs. A port in `host` takes precedence over `use2197`. */
export const apnsEndpoint = ({ mode, host, use2197 }: Apple): string => {
  const name = host ?? (mode === 'prod' ? 'api.push.apple.com' : 'api.sandbox.push.apple.com');
  return name.includes(':') ? `https://${name}` : `https://${name}:${use2197 ? 2197 : 443}`;
};

/** The credentials of a mode, by PUSH_APNS_AUTH_TYPE. */
const credentialsByType = { token: ['P8_TOKEN', 'KEY_ID', 'TEAM_ID'], certificate: ['CERT', 'KEY'] } as const;
type AuthType = keyof typeof credentialsByType;

const otherType = (type: AuthType): AuthType => (type === 'token' ? 'certificate' : 'token');

const nameOf = (mode: Mode, rest: string) => `PUSH_APNS_${mode.toUpperCase()}_${rest}`;

const credentialNames = (type: AuthType): readonly string[] =>
  modes.flatMap((mode) => credentialsByType[type].map((rest) => nameOf(mode, rest)));

export const apnsCredentialVariables: readonly string[] = [
  ...credentialNames('token'),
  ...credentialNames('certificate'),
];

/** Both ids change together with the key. */
export const apnsRereadVariables: readonly string[] = modes.flatMap((mode) => [
  nameOf(mode, 'KEY_ID'),
  nameOf(mode, 'TEAM_ID'),
]);

/** Credentials of the kind that PUSH_APNS_AUTH_TYPE does not ask for. */
export const unusedApnsVariables = (values: ApnsValues): readonly Unused[] => {
  const { PUSH_APNS_AUTH_TYPE: type } = values;
  const variables = setVariables(apnsVariables, values, credentialNames(otherType(type)));
  return [{ variables, why: `PUSH_APNS_AUTH_TYPE is ${type}: set it to ${otherType(type)}, or remove them` }];
};

/** A pool for each mode that has credentials. */
export const readApnsPools = (values: ApnsValues, problems: Problem[]): readonly ApnsSettings[] => {
  const needed = credentialsByType[values.PUSH_APNS_AUTH_TYPE];
  const configured = modes.filter((mode) => needed.some((rest) => values[nameOf(mode, rest)] !== undefined));
  if (configured.length === 0) problems.push(withoutCredentials(values));
  return configured.flatMap((mode) => {
    const files = readFiles(values, mode, problems);
    if (!files) return [];
    const of = (rest: string) => values[nameOf(mode, rest)];
    const host = of('ENDPOINT') as string | undefined;
    return toApnsSettings({
      name: `apns_${mode}`,
      mode,
      tags: [],
      files,
      defaultTopic: of('DEFAULT_TOPIC') as string | undefined,
      endpoint: apnsEndpoint({ mode, host, use2197: of('USE_2197') === true }),
      connections: of('POOL_SIZE') as number,
    });
  });
};

const withoutCredentials = (values: ApnsValues): Problem => {
  const type = values.PUSH_APNS_AUTH_TYPE;
  const ofOtherType = modes.flatMap((mode) =>
    credentialsByType[otherType(type)]
      .map((rest) => nameOf(mode, rest))
      .filter((variable) => values[variable] !== undefined),
  );
  if (ofOtherType.length > 0)
    return {
      variable: 'PUSH_APNS_AUTH_TYPE',
      why: `is ${type}, but the variables set are ${ofOtherType.join(', ')}: set it to ${otherType(type)}`,
    };
  return {
    variable: 'PUSH_APNS_ENABLED',
    why: `is true, but neither mode has credentials: set PUSH_APNS_PROD_{${credentialsByType[type].join(',')}}, or the same for DEV`,
  };
};

const readFiles = (values: ApnsValues, mode: Mode, problems: Problem[]): ApnsFiles | undefined => {
  const because = `APNs is enabled for ${mode}`;
  const word = (rest: string) => requiredWord(values, nameOf(mode, rest), { problems, because });
  const file = (rest: string) => requiredFile(values, nameOf(mode, rest), { problems, because });
  if (values.PUSH_APNS_AUTH_TYPE === 'token') {
    const [p8, keyId, teamId] = [file('P8_TOKEN'), word('KEY_ID'), word('TEAM_ID')];
    if (p8 && keyId !== undefined && teamId !== undefined) return { type: 'token', p8, keyId, teamId };
    return incomplete([p8], problems);
  }
  const [cert, key] = [file('CERT'), file('KEY')];
  if (!cert || !key) return incomplete([cert, key], problems);
  return { type: 'certificate', cert, key, topicNamedBy: nameOf(mode, 'DEFAULT_TOPIC') };
};

/** These files will not be used, but what is wrong with them is reported together with what is missing. */
const incomplete = (files: readonly (NamedFile | undefined)[], problems: Problem[]): undefined => {
  for (const file of files) {
    const read = file && readNamedFile(file);
    if (read && !read.ok) problems.push(read.problem);
  }
};
