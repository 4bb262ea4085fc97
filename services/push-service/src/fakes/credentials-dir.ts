import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KnownOfFakes } from './fakes.ts';

/** Writes what a sender needs into a folder, for its owner only, and gives back push-service's variables for it. */
export const writeCredentials = (dir: string, { ca, apns, fcm }: KnownOfFakes): Readonly<Record<string, string>> => {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const write = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text, { mode: 0o600 });
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
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  return variables;
};

const newVapidKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
