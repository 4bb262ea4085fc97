import { createDecipheriv, createHmac } from 'node:crypto';
import type { ECDH } from 'node:crypto';

/** The secrets of a user agent for one subscription (RFC 8291 §2). */
export type UserAgentKeys = {
  /** Its key pair, P-256. */
  readonly keys: ECDH;
  /** The authentication secret, 16 bytes. */
  readonly auth: Buffer;
};

/**
 * The plaintext of a message of one record; `undefined` if it was not encrypted for these keys (RFC 8291 §4, RFC 8188 §2).
 * Its record size must be 4096, which senders use because every push service accepts a body of that size (RFC 8030 §7.2).
 */
export const decrypt = (body: Buffer, { keys, auth }: UserAgentKeys): Buffer | undefined => {
  if (body.length < minBodyBytes || body.readUInt32BE(16) !== 4096 || body.readUInt8(20) !== publicKeyBytes)
    return undefined;
  const [salt, senderKey, record] = [body.subarray(0, 16), body.subarray(21, headerBytes), body.subarray(headerBytes)];
  try {
    const { key, nonce } = contentEncryption({
      sharedSecret: keys.computeSecret(senderKey),
      auth,
      userAgentKey: keys.getPublicKey(),
      senderKey,
      salt,
    });
    const decipher = createDecipheriv('aes-128-gcm', key, nonce);
    decipher.setAuthTag(record.subarray(-tagBytes));
    return withoutPadding(Buffer.concat([decipher.update(record.subarray(0, -tagBytes)), decipher.final()]));
  } catch {
    return undefined;
  }
};

/** A P-256 point in uncompressed form. */
const publicKeyBytes = 65;
/** Salt, record size, length of the key ID, and the sender's public key as key ID (RFC 8188 §2.1). */
const headerBytes = 16 + 4 + 1 + publicKeyBytes;
/** The authentication tag of AEAD_AES_128_GCM. */
const tagBytes = 16;
/** With the padding delimiter and no text. */
const minBodyBytes = headerBytes + 1 + tagBytes;

type Secrets = {
  readonly sharedSecret: Buffer;
  readonly auth: Buffer;
  readonly userAgentKey: Buffer;
  readonly senderKey: Buffer;
  readonly salt: Buffer;
};

/** The content encryption key and nonce, step by step as in RFC 8291 §3.4. */
const contentEncryption = ({ sharedSecret, auth, userAgentKey, senderKey, salt }: Secrets) => {
  const combinedKey = hmac(auth, sharedSecret);
  const inputKeyingMaterial = hmac(combinedKey, 'WebPush: info\0', userAgentKey, senderKey, '\u0001');
  const pseudorandomKey = hmac(salt, inputKeyingMaterial);
  return {
    key: hmac(pseudorandomKey, 'Content-Encoding: aes128gcm\0', '\u0001').subarray(0, 16),
    nonce: hmac(pseudorandomKey, 'Content-Encoding: nonce\0', '\u0001').subarray(0, 12),
  };
};

/** HMAC-SHA-256 of the concatenated parts. */
const hmac = (key: Buffer, ...parts: readonly (Buffer | string)[]): Buffer => {
  const digest = createHmac('sha256', key);
  for (const part of parts) digest.update(part);
  return digest.digest();
};

/** The last record ends with 2 and any number of zeros (RFC 8188 §2). */
const withoutPadding = (padded: Buffer): Buffer | undefined => {
  let end = padded.length - 1;
  while (end > 0 && padded[end] === 0) end -= 1;
  return padded[end] === 2 ? padded.subarray(0, end) : undefined;
};
