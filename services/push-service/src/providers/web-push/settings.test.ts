import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readPushServiceConfig } from '../../config.ts';
import { temporaryFile } from '../../../testing/temporary-file.ts';

const pem = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'sec1', format: 'pem' }).toString();
const enabled = { PUSH_WEBPUSH_ENABLED: 'true' };
const subject = { PUSH_WEBPUSH_SUBJECT: 'mailto:push@example.org' };

describe('the configuration of Web Push', () => {
  it('takes the key from a file, and forbids private addresses by default', () => {
    const file = temporaryFile('vapid.pem', pem('P-256'));
    const settings = (more = {}) =>
      readPushServiceConfig({ ...enabled, ...subject, PUSH_WEBPUSH_VAPID_KEY_FILE: file, ...more }).providers?.pools[0];
    expect(settings()).toMatchObject({
      loaded: {
        read: {
          credentials: {
            publicKey: expect.stringMatching(/^[\w-]{87}$/) as string,
            subject: 'mailto:push@example.org',
          },
        },
      },
      allowPrivate: false,
    });
    expect(settings({ PUSH_WEBPUSH_ALLOW_PRIVATE: 'true' })).toMatchObject({ allowPrivate: true });
  });

  it.each([
    [{}, 'PUSH_WEBPUSH_VAPID_KEY: is not set, though PUSH_WEBPUSH_ENABLED is true'],
    [{}, 'PUSH_WEBPUSH_SUBJECT: is not set, though PUSH_WEBPUSH_ENABLED is true'],
    [{ PUSH_WEBPUSH_VAPID_KEY: 'not-a-key-but-secret' }, 'PUSH_WEBPUSH_VAPID_KEY: is neither a private key of P-256'],
    [{ PUSH_WEBPUSH_VAPID_KEY: pem('P-384') }, 'PUSH_WEBPUSH_VAPID_KEY: is neither a private key of P-256'],
    [{ PUSH_WEBPUSH_SUBJECT: 'push@example.org' }, 'PUSH_WEBPUSH_SUBJECT: is neither a mailto: nor an https: URI'],
    [{ PUSH_WEBPUSH_ALLOW_PRIVATE: 'maybe' }, 'PUSH_WEBPUSH_ALLOW_PRIVATE: is "maybe"'],
  ])('%j: says what is wrong, and reveals nothing of the key', (env, problem) => {
    const read = () => readPushServiceConfig({ ...enabled, ...env });
    expect(read).toThrow(problem);
    expect(read).not.toThrow('not-a-key-but-secret');
  });
});
