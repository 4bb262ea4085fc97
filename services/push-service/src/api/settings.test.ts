import { describe, expect, it } from 'vitest';
import { readPushServiceConfig } from '../config.ts';
import { createFakeAuthority } from '@pushmesh/fakes';
import { temporaryFile } from '../../testing/temporary-file.ts';

const authority = createFakeAuthority();
const { cert, key } = authority.issue('server');
const files = {
  PUSH_HTTPS_CERTFILE: temporaryFile('cert.pem', cert),
  PUSH_HTTPS_KEYFILE: temporaryFile('key.pem', key),
  PUSH_HTTPS_CLIENT_CAFILE: temporaryFile('ca.pem', authority.ca),
};

describe('TLS', () => {
  it('is off unless there is a certificate', () => {
    expect(readPushServiceConfig({}).http).toEqual({
      host: '127.0.0.1',
      port: 8080,
      bearerTokens: [],
      maxConnections: 4096,
      exposeSpec: false,
    });
  });

  it('listens where MongoosePush does', () => {
    const { tls, host, port } = readPushServiceConfig(files).http;
    expect({ host, port }).toEqual({ host: '127.0.0.1', port: 8443 });
    expect(Object.keys(tls ?? {})).toEqual(['cert', 'key', 'clientCa']);
    const elsewhere = { ...files, PUSH_HTTPS_BIND_ADDR: '0.0.0.0', PUSH_HTTPS_PORT: '9443' };
    expect(readPushServiceConfig(elsewhere).http).toMatchObject({ host: '0.0.0.0', port: 9443 });
  });

  it.each([
    [{ PUSH_HTTPS_PORT: '8443' }, 'PUSH_HTTPS_PORT: needs TLS'],
    [{ PUSH_HTTPS_CERTFILE: files.PUSH_HTTPS_CERTFILE }, 'PUSH_HTTPS_KEYFILE: is not set, though PUSH_HTTPS_CERTFILE'],
    [{ PUSH_HTTPS_KEYFILE: files.PUSH_HTTPS_KEYFILE }, 'PUSH_HTTPS_CERTFILE: is not set, though PUSH_HTTPS_KEYFILE'],
    [{ ...files, PUSH_HTTPS_KEYFILE: '/nowhere.pem' }, 'PUSH_HTTPS_KEYFILE: cannot read /nowhere.pem (ENOENT)'],
    [{ ...files, PUSH_HTTPS_KEYFILE: files.PUSH_HTTPS_CERTFILE }, 'holds no unencrypted private key'],
    [{ ...files, PUSH_HTTPS_KEYFILE: temporaryFile('other.pem', authority.issue('x').key) }, 'is not the key'],
    [
      { ...files, PUSH_HTTPS_CERTFILE: temporaryFile('half.pem', cert + authority.ca.slice(0, 200)) },
      'PUSH_HTTPS_CERTFILE: ',
    ],
    [{ ...files, PUSH_HTTPS_CLIENT_CAFILE: files.PUSH_HTTPS_KEYFILE }, 'PUSH_HTTPS_CLIENT_CAFILE: '],
  ])('refuses settings that cannot work: %j', (env, problem) => {
    expect(() => readPushServiceConfig(env)).toThrow(problem);
  });
});

describe('bearer tokens', () => {
  it('are one per line in a file, or separated otherwise', () => {
    const one = 'aaaaaaaaaaaaaaaaaaaa';
    const other = 'bbbbbbbbbbbbbbbbbbbb==';
    for (const text of [`${one}\n${other}\n`, `${one}, ${other}`, `${one} ${other}`])
      expect(
        readPushServiceConfig({ HTTP_BEARER_TOKENS_FILE: temporaryFile('tokens', text) }).http.bearerTokens,
      ).toEqual([one, other]);
  });

  it('are refused if they are short, and not repeated', () => {
    expect(() => readPushServiceConfig({ HTTP_BEARER_TOKENS: 'hunter2' })).toThrow(/HTTP_BEARER_TOKENS(?!.*hunter2)/s);
  });
});
