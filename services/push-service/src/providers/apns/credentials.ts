import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { topicOf } from './certificate-topic.ts';

/** How we authenticate to APNs, as the operator has it: PEM texts. */
export type ApnsAuth =
  | {
      readonly type: 'token';
      readonly keyId: string;
      readonly teamId: string;
      /** The content of the `.p8` file. */
      readonly p8: string;
    }
  | { readonly type: 'certificate'; readonly cert: string; readonly key: string };

/** Credentials that can be used; only APNs knows whether it accepts them. */
export type ApnsCredentials =
  | { readonly type: 'token'; readonly keyId: string; readonly teamId: string; readonly privateKey: KeyObject }
  | {
      readonly type: 'certificate';
      readonly cert: string;
      readonly key: string;
      /** The topic that the certificate is for, if it names one. */
      readonly topic: string | undefined;
    };

export type ApnsCredentialsProblem =
  | 'key_unreadable'
  /** APNs accepts ES256 only: an elliptic curve key on P-256. */
  | 'key_not_p256'
  | 'certificate_unreadable'
  | 'key_of_another_certificate';

type Read =
  | { readonly ok: true; readonly credentials: ApnsCredentials }
  | { readonly ok: false; readonly why: ApnsCredentialsProblem };

/** Checks everything that can be checked without asking APNs. */
export const readApnsCredentials = (auth: ApnsAuth): Read => {
  const privateKey = attempt(() => createPrivateKey(auth.type === 'token' ? auth.p8 : auth.key));
  if (!privateKey) return { ok: false, why: 'key_unreadable' };
  if (auth.type === 'token') {
    if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return { ok: false, why: 'key_not_p256' };
    return { ok: true, credentials: { type: 'token', keyId: auth.keyId, teamId: auth.teamId, privateKey } };
  }
  const certificate = attempt(() => new X509Certificate(auth.cert));
  if (!certificate) return { ok: false, why: 'certificate_unreadable' };
  if (!certificate.checkPrivateKey(privateKey)) return { ok: false, why: 'key_of_another_certificate' };
  // Only this reads the rest of a chain, and judges the size of the key.
  if (!attempt(() => createSecureContext({ cert: auth.cert, key: auth.key })))
    return { ok: false, why: 'certificate_unreadable' };
  return { ok: true, credentials: { ...auth, topic: topicOf(certificate) } };
};

const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined; // OpenSSL's error says less than our own word
  }
};
