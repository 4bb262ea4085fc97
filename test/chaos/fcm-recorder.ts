import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFakeAuthority, createFakeServiceAccount, startFakeFcm } from '@pushmesh/fakes';

/** How often FCM received a text, and when first (milliseconds since 1970). */
export type ReceivedPush = { times: number; readonly firstAt: number };

export type FcmRecorder = {
  /** Variables that make push-service use this FCM. */
  readonly pushServiceEnv: Readonly<Record<string, string>>;
  /** By the text of the message. */
  readonly received: ReadonlyMap<string, ReceivedPush>;
  clear(): void;
  stop(): Promise<void>;
};

/** A fake FCM that counts what reaches the phones. It runs in this process, where no fault kills it. */
export const startFcmRecorder = async (dataDir: string): Promise<FcmRecorder> => {
  const received = new Map<string, ReceivedPush>();
  const authority = createFakeAuthority();
  const fcm = await startFakeFcm({
    certificate: authority.issue('fake FCM'),
    onDelivered: ({ message, at }) => {
      const body = message.android?.notification?.body ?? '';
      const before = received.get(body);
      if (before) before.times += 1;
      else received.set(body, { times: 1, firstAt: at });
    },
  });
  const account = createFakeServiceAccount({ projectId: 'chaos', tokenUri: fcm.tokenUri });
  fcm.tokens.trust(account);
  const [caFile, accountFile] = [join(dataDir, 'ca.pem'), join(dataDir, 'fcm.json')];
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(caFile, authority.ca);
  writeFileSync(accountFile, account.json, { mode: 0o600 });
  const { hostname, port } = new URL(fcm.origin);

  return {
    pushServiceEnv: {
      PUSH_FCM_ENABLED: 'true',
      PUSH_FCM_APP_FILE: accountFile,
      PUSH_FCM_ENDPOINT: hostname,
      PUSH_FCM_PORT: port,
      NODE_EXTRA_CA_CERTS: caFile,
    },
    received,
    clear: () => received.clear(),
    stop: () => fcm.stop(),
  };
};
