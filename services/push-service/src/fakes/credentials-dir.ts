import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KnownOfFakes } from './fakes.ts';

/** Writes what a sender needs into a folder that was taken, for its owner only, and gives back push-service's variables for it. */
export const writeCredentials = (dir: string, { ca, apns, fcm }: KnownOfFakes): Readonly<Record<string, string>> => {
  const write = (name: string, text: string): string => {
    const path = join(dir, name);
    // What is there keeps its owner and its mode, and a link leads elsewhere: it goes first.
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
    'push-service.env',
    Object.entries(variables)
      .map(([name, value]) => `${name}=${quoted(value)}\n`)
      .join(''),
  );
  return variables;
};

const reasons: Readonly<Record<string, string>> = {
  EEXIST: 'it is a file',
  ENOTDIR: 'a part of its path is a file',
  EACCES: 'you may not write there',
  EPERM: 'it belongs to somebody else',
  EROFS: 'that disk is read-only',
};

/** Makes a folder that is its owner’s only, or takes it as such; what is wrong where that cannot be. */
export const takeFolder = (dir: string): string | undefined => {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    // Only the owner of a folder may change its mode.
    chmodSync(dir, 0o700);
    return undefined;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return `${dir} cannot be a folder of your own: ${reasons[code] ?? code}`;
  }
};

/** For a shell, as it is. */
const quoted = (value: string): string => `'${value.replaceAll("'", String.raw`'\''`)}'`;

const newVapidKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
