import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { topicOf } from './certificate-topic.ts';

/** How we show APNs who we are, as the operator has it: PEM texts. */
export type ApnsAuth =
  | {
      readonly type: 'token';
      readonly keyId: string;
      readonly teamId: string;
      /** The content of the `.p8` file. */
      readonly p8: string;
    }
  | { readonly type: 'certificate'; readonly cert: string; readonly key: string };

/** Credentials that can be used; whether APNs takes them, only APNs knows. */
export type ApnsCredentials =
  | { readonly type: 'token'; readonly keyId: string; readonly teamId: string; readonly privateKey: KeyObject }
  | {
      readonly type: 'certificate';
      readonly cert: string;
      readonly key: string;
      /** What the certificate says that it is for, if it does. */
      readonly topic: string | undefined;
    };

export type ApnsCredentialsProblem =
  | 'key_unreadable'
  /** APNs takes ES256 only: an elliptic curve key on P-256. */
  | 'key_not_p256'
  | 'certificate_unreadable'
  | 'key_of_another_certificate';

type Read =
  | { readonly ok: true; readonly credentials: ApnsCredentials }
  | { readonly ok: false; readonly why: ApnsCredentialsProblem };

/** Reads what can be read without asking APNs. */
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
  // The rest of a chain is read here only, and the size of the key is judged.
  if (!attempt(() => createSecureContext({ cert: auth.cert, key: auth.key })))
    return { ok: false, why: 'certificate_unreadable' };
  return { ok: true, credentials: { ...auth, topic: topicOf(certificate) } };
};

const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined; // the error of OpenSSL says less than our word for it
  }
};
