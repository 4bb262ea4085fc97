import { createECDH, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { encrypt, maxPlaintext } from './encryption.ts';

const bytes = (text: string) => Buffer.from(text, 'base64url');

it('produces the message of RFC 8291 §5 and appendix A', () => {
  const server = createECDH('prime256v1');
  server.setPrivateKey(bytes('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'));
  const body = encrypt(
    Buffer.from('When I grow up, I want to be a watermelon'),
    {
      p256dh: bytes('BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4'),
      auth: bytes('BTBZMqHH6r4Tts7J_aSIgg'),
    },
    { server, salt: bytes('DGv6ra1nlYgDCS1FRnbzlw') },
  );
  expect(body.toString('base64url')).toBe(
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl' +
      '7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
  );
});

it('fits 3993 octets into one record of 4096', () => {
  const userAgent = createECDH('prime256v1');
  const server = createECDH('prime256v1');
  const keys = { p256dh: userAgent.generateKeys(), auth: randomBytes(16) };
  server.generateKeys();
  const body = encrypt(Buffer.alloc(maxPlaintext), keys, { server, salt: randomBytes(16) });
  expect(maxPlaintext).toBe(3993);
  expect(body).toHaveLength(4096);
});
