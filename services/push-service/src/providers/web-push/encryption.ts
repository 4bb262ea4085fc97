import { createCipheriv, hkdfSync } from 'node:crypto';
import type { ECDH } from 'node:crypto';

// RFC 8291: Message Encryption for Web Push, with the content coding aes128gcm of RFC 8188.

/** The keys of a subscription (RFC 8291 §2). */
export type SubscriptionKeys = {
  /** The public key of the user agent: a point of P-256, uncompressed, 65 bytes. */
  readonly p256dh: Buffer;
  /** The authentication secret, 16 bytes. */
  readonly auth: Buffer;
};

/** What must be fresh for every message. */
export type MessageSecrets = {
  /** Our key pair, P-256 (`prime256v1`). */
  readonly server: ECDH;
  /** 16 bytes. */
  readonly salt: Buffer;
};

/**
 * The size of a record, and so of a whole encrypted message, that every push service accepts, in octets (RFC 8030
 * §7.2).
 */
export const recordSize = 4096;
/** The header (RFC 8188 §2.1) with our public key as the key id, the delimiter (§2), and the tag of AEAD_AES_128_GCM. */
const overhead = 16 + 4 + 1 + 65 + 1 + 16;
/** The longest plaintext that fits into one record, in octets (RFC 8291 §4). */
export const maxPlaintext = recordSize - overhead;

const utf8 = (text: string) => Buffer.from(text, 'utf8');
const hkdf = (secret: Buffer, salt: Buffer, info: Buffer, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, salt, info, length));

/** The key and nonce of a message (RFC 8291 §3.4, RFC 8188 §2.2 and §2.3). The two public keys are in the order of §3.3. */
export const contentKeys = (shared: Buffer, auth: Buffer, userAgent: Buffer, server: Buffer, salt: Buffer) => {
  const secret = hkdf(shared, auth, Buffer.concat([utf8('WebPush: info\0'), userAgent, server]), 32);
  return {
    key: hkdf(secret, salt, utf8('Content-Encoding: aes128gcm\0'), 16),
    nonce: hkdf(secret, salt, utf8('Content-Encoding: nonce\0'), 12),
  };
};

/**
 * The body of the push: header and one record.
 *
 * @param plaintext at most `maxPlaintext` octets
 */
export const encrypt = (plaintext: Buffer, keys: SubscriptionKeys, { server, salt }: MessageSecrets): Buffer => {
  const publicKey = server.getPublicKey();
  const { key, nonce } = contentKeys(server.computeSecret(keys.p256dh), keys.auth, keys.p256dh, publicKey, salt);
  const header = Buffer.alloc(21);
  salt.copy(header);
  header.writeUInt32BE(recordSize, 16);
  header.writeUInt8(publicKey.length, 20);
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  // 2 ends the last record (RFC 8188 §2).
  const record = [cipher.update(plaintext), cipher.update(Buffer.of(2)), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([header, publicKey, ...record]);
};
