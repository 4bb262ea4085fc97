import { createECDH } from 'node:crypto';
import { expect, it } from 'vitest';
import { decrypt } from './decryption.ts';

// The example of RFC 8291 §5 and appendix A.
const bytes = (text: string) => Buffer.from(text, 'base64url');
const keys = createECDH('prime256v1');
keys.setPrivateKey(bytes('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94'));
const auth = bytes('BTBZMqHH6r4Tts7J_aSIgg');
const body = bytes(
  'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl' +
    '7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
);

it('decrypts the example of RFC 8291', () => {
  expect(decrypt(body, { keys, auth })?.toString()).toBe('When I grow up, I want to be a watermelon');
});

it('refuses a message for another key, with another secret, cut short or altered', () => {
  const otherKeys = createECDH('prime256v1');
  otherKeys.generateKeys();
  const altered = Buffer.from(body);
  altered.writeUInt8(altered.readUInt8(altered.length - 1) ^ 1, altered.length - 1);
  expect(decrypt(body, { keys: otherKeys, auth })).toBeUndefined();
  expect(decrypt(body, { keys, auth: Buffer.alloc(16) })).toBeUndefined();
  expect(decrypt(body.subarray(0, 102), { keys, auth })).toBeUndefined();
  expect(decrypt(altered, { keys, auth })).toBeUndefined();
});
