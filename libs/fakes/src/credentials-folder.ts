import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ConnectionDetails } from './start-fakes.ts';

const variablesFile = 'push-service.env';
/** The first line of the file, by which a folder of the fakes differs from one with real credentials. */
const mark = '# Written by npm run fakes, which replaces this file and the credentials beside it at each start.\n';

/**
 * Writes the credentials for a sender into a folder that `takeFolder` accepted, readable by its owner only.
 *
 * @returns the variables of push-service that use them
 */
export const writeCredentials = (
  dir: string,
  { ca, apns, fcm }: ConnectionDetails,
): Readonly<Record<string, string>> => {
  const write = (name: string, text: string): string => {
    const path = join(dir, name);
    // Removed first: writing would keep the owner and mode of an existing file, and would follow a link.
    rmSync(path, { force: true });
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    return path;
  };
  const p8 = write(`AuthKey_${apns.key.keyId}.p8`, apns.key.p8);
  const account = write('service-account.json', Object.values(fcm.accounts)[0] ?? '');
  const { hostname, port } = new URL(fcm.origin);
  const ofMode = (mode: 'prod' | 'dev') => ({
    [`PUSH_APNS_${mode.toUpperCase()}_ENDPOINT`]: new URL(apns.origins[mode]).host,
    [`PUSH_APNS_${mode.toUpperCase()}_P8_TOKEN`]: p8,
    [`PUSH_APNS_${mode.toUpperCase()}_KEY_ID`]: apns.key.keyId,
    [`PUSH_APNS_${mode.toUpperCase()}_TEAM_ID`]: apns.key.teamId,
    [`PUSH_APNS_${mode.toUpperCase()}_DEFAULT_TOPIC`]: 'com.example.app',
  });
  const variables = {
    NODE_EXTRA_CA_CERTS: write('ca.pem', ca),
    PUSH_FCM_ENABLED: 'true',
    PUSH_FCM_APP_FILE: account,
    PUSH_FCM_ENDPOINT: hostname,
    PUSH_FCM_PORT: port,
    PUSH_APNS_ENABLED: 'true',
    ...ofMode('prod'),
    ...ofMode('dev'),
    PUSH_WEBPUSH_ENABLED: 'true',
    PUSH_WEBPUSH_VAPID_KEY_FILE: write('vapid.pem', newVapidKey()),
    PUSH_WEBPUSH_SUBJECT: 'mailto:push@example.org',
    PUSH_WEBPUSH_ALLOW_PRIVATE: 'true',
  };
  write(
    variablesFile,
    mark +
      Object.entries(variables)
        .map(([name, value]) => `${name}=${quoted(value)}\n`)
        .join(''),
  );
  return variables;
};

const reasons: Readonly<Record<string, string>> = {
  EEXIST: 'it is a file',
  ENOTDIR: 'a part of its path is a file',
  ENOENT: 'no folder can be created there',
  EACCES: 'you are not allowed to read and write there',
  EPERM: 'it belongs to another user',
  EROFS: 'the disk is read-only',
};

/**
 * Creates a folder that only its owner can access, or takes an existing one that is empty or that the fakes wrote before.
 * Any other folder is left alone.
 *
 * @returns what is wrong; `undefined` if the folder can be used
 */
export const takeFolder = (dir: string): string | undefined => {
  try {
    makeFolder(dir);
    if (!isFree(dir)) return `${dir} contains files that the fakes did not write; choose a new folder or an empty one`;
    // Fails with EPERM in a folder of another user.
    chmodSync(dir, 0o700);
    return undefined;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return `${dir} cannot be used as a private folder: ${reasons[code] ?? code}`;
  }
};

/** Creates the parents one by one: in places such as /proc, the recursive `mkdirSync` of Node.js never returns. */
const makeFolder = (dir: string): void => {
  const parent = dirname(dir);
  if (parent !== dir && !existsSync(parent)) makeFolder(parent);
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if (!existsSync(dir) || !statSync(dir).isDirectory()) throw error;
  }
};

const isFree = (dir: string): boolean => {
  const names = readdirSync(dir);
  if (names.length === 0) return true;
  return names.includes(variablesFile) && readFileSync(join(dir, variablesFile), 'utf8').startsWith(mark);
};

/** Quoted for a shell, which takes it literally. */
const quoted = (value: string): string => `'${value.replaceAll("'", String.raw`'\''`)}'`;

const newVapidKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
