import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** A service account: the public key that the fake trusts, and the key file for the sender. */
export type FakeServiceAccount = {
  readonly projectId: string;
  readonly clientEmail: string;
  readonly privateKeyId: string;
  readonly publicKey: KeyObject;
  /** The text of the JSON key file. */
  readonly json: string;
};

type Options = { readonly projectId: string; readonly tokenUri: string; readonly privateKeyId?: string };

/** A service account with a new key, which exists in memory only. */
export const createFakeServiceAccount = ({
  projectId,
  tokenUri,
  privateKeyId = 'key-1',
}: Options): FakeServiceAccount => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const clientEmail = `push@${projectId}.iam.gserviceaccount.com`;
  const json = JSON.stringify({
    type: 'service_account',
    project_id: projectId,
    private_key_id: privateKeyId,
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: clientEmail,
    token_uri: tokenUri,
  });
  return { projectId, clientEmail, privateKeyId, publicKey, json };
};
