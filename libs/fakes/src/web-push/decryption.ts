import { createDecipheriv } from 'node:crypto';
import type { ECDH } from 'node:crypto';
import { contentKeys, recordSize } from '../../../../services/push-service/src/providers/web-push/encryption.ts';

/** What a user agent keeps of its subscription. */
export type UserAgentKeys = { readonly keys: ECDH; readonly auth: Buffer };

/** The plaintext of a message of one record; `undefined` when it is not for these keys (RFC 8291, RFC 8188). */
export const decrypt = (body: Buffer, { keys, auth }: UserAgentKeys): Buffer | undefined => {
  if (body.length < 21 + 65 + 17 || body.readUInt32BE(16) !== recordSize || body.readUInt8(20) !== 65) return undefined;
  const [salt, server, record] = [body.subarray(0, 16), body.subarray(21, 86), body.subarray(86)];
  try {
    const { key, nonce } = contentKeys(keys.computeSecret(server), auth, keys.getPublicKey(), server, salt);
    const decipher = createDecipheriv('aes-128-gcm', key, nonce);
    decipher.setAuthTag(record.subarray(-16));
    return withoutPadding(Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]));
  } catch {
    return undefined;
  }
};

/** The last record ends in 2 and any number of zeros (RFC 8188 §2). */
const withoutPadding = (padded: Buffer): Buffer | undefined => {
  let end = padded.length - 1;
  while (end > 0 && padded[end] === 0) end -= 1;
  return padded[end] === 2 ? padded.subarray(0, end) : undefined;
};
