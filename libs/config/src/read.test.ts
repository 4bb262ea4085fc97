import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { ConfigError, describeConfig, readConfig } from './index.ts';
import type { Check } from './index.ts';

const schema = Type.Object({
  WEB_PORT: Type.Integer({ default: 81, description: 'another port' }),
  PORT: Type.Integer({ default: 80, minimum: 1, maximum: 65535, description: 'the port', examples: [8080] }),
  MODE: Type.Enum(['a', 'b'], { default: 'a', description: 'the mode', examples: ['b'] }),
  SECRET: Type.String({
    minLength: 8,
    secret: true,
    description: 'the secret',
    examples: ['SECRET_FILE=/run/secrets/it'],
  }),
  NAME: Type.String({ description: 'the name', examples: ['push'] }),
});

const problemsOf = (env: Record<string, string>): string => {
  try {
    readConfig(schema, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
};

describe('readConfig', () => {
  it('suggests what an unknown variable of ours was meant to be, and leaves the variables of others alone', () => {
    const own = { prefixes: ['MODE', 'PORT', 'SECRET_', 'WEB_'], ignored: ['MODEL'] };
    const serviceLinks = {
      PORT_SERVICE_HOST: '10.0.0.1',
      WEB_PORT: 'tcp://10.0.0.1:80',
      WEB_PORT_80_TCP: 'tcp://10.0.0.1:80',
      WEB_NAME: '/xmpp/web',
      WEB_ENV_VERSION: '1',
      MODE_PORT: 'tcp://10.0.0.1:80',
      MODE_PORT_80_TCP_ADDR: '10.0.0.1',
    };
    const env = { ...serviceLinks, SECRET: 'long enough', NAME: 'n', MODEL: 'ours', NAMES: 'not ours', PORTS: '' };
    expect(readConfig(schema, env, undefined, own)).toMatchObject({ MODE: 'a', PORT: 80, WEB_PORT: 81 });
    const mistaken = { ...env, MODES: 'b', SECRET_FIEL: 'hidden', PORTS: '81', MODE: 'c', WEB_ROOT_DIR: '/' };
    const read = () => readConfig(schema, mistaken, undefined, own);
    expect(read).toThrow('MODES: is unknown; did you mean MODE?');
    expect(read).toThrow('SECRET_FIEL: is unknown; did you mean SECRET_FILE?');
    expect(read).toThrow('PORTS: is unknown; did you mean PORT?');
    expect(read).toThrow('WEB_ROOT_DIR: is unknown: remove it');
    expect(read).toThrow('MODE: is "c"');
    expect(read).not.toThrow('hidden');
  });

  it('applies types and defaults, and treats an empty variable as absent', () => {
    expect(readConfig(schema, { PORT: '', SECRET: 'long enough', NAME: 'n', OTHER: 'x' })).toEqual({
      WEB_PORT: 81,
      PORT: 80,
      MODE: 'a',
      SECRET: 'long enough',
      NAME: 'n',
    });
  });

  it('reports all problems at once, with name and example, and never a secret', () => {
    const text = problemsOf({ PORT: '70000', MODE: 'c', SECRET: 'short' });
    expect(text).toContain('PORT: is "70000"');
    expect(text).toContain('for example PORT=8080');
    expect(text).toContain('MODE: is "c"; expected one of a,b');
    expect(text).toContain('NAME: is not set');
    expect(text).toMatch(/SECRET: has an invalid value; .*; for example SECRET_FILE=\/run\/secrets\/it$/m);
    expect(text).not.toContain('short');
  });

  it('reads X_FILE, and reports a file that cannot be read, or that both are set', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'pushmesh-config-')), 'secret');
    writeFileSync(file, 'from the file\n');
    expect(readConfig(schema, { SECRET_FILE: file, NAME: 'n' }).SECRET).toBe('from the file');
    writeFileSync(`${file}-empty`, ' \n');
    expect(problemsOf({ SECRET_FILE: `${file}-empty`, NAME: 'n' })).toContain('is empty');
    expect(problemsOf({ SECRET_FILE: `${file}-missing`, NAME: 'n' })).toMatch(/SECRET_FILE: cannot read .* \(ENOENT\)/);
    const mistaken = problemsOf({ SECRET_FILE: 'aG9wZQ', NAME: 'n' });
    expect(mistaken).toContain('SECRET_FILE: cannot read a file of that name');
    expect(mistaken).not.toContain('aG9wZQ');
    expect(problemsOf({ SECRET_FILE: file, SECRET: 'long enough', NAME: 'n' })).toContain('keep one of them');
  });

  it('reports what a check finds together with all other problems, and runs checks on unset variables too', () => {
    const checkKey: Check = (key, { CERT }) =>
      key === undefined && CERT !== undefined ? 'is needed with CERT' : undefined;
    const checkCert: Check = (cert) => (cert === 'x' ? 'holds no certificate' : undefined);
    const checked = Type.Object({
      PORT: Type.Integer({ default: 80 }),
      KEY: Type.Optional(Type.String({ check: checkKey, description: 'the key', examples: ['KEY_FILE=/run/key'] })),
      CERT: Type.Optional(Type.String({ check: checkCert })),
    });
    const read = () => readConfig(checked, { PORT: 'x', CERT: 'x' });
    for (const line of [
      'PORT: is "x"',
      'KEY: is needed with CERT; it is the key; for example KEY_FILE=/run/key',
      'CERT: holds no certificate',
    ])
      expect(read).toThrow(line);
    expect(readConfig(checked, {})).toEqual({ PORT: 80 });
  });

  it('never shows a value that contains credentials, whatever else is wrong with it', () => {
    const addresses = Type.Object({ URL: Type.String({ pattern: '^https:' }) });
    for (const URL of ['ftp://user:s3cretpw@host', 'user:s3cretpw@host', 'ftp://s3cretpw@host', '//u:s3cret pw@/@host'])
      expect(() => readConfig(addresses, { URL })).toThrow(/URL: has an invalid value(?!.*s3cret)/s);
  });

  it('adds the problems of a refinement', () => {
    const read = () =>
      readConfig(schema, { SECRET: 'long enough', NAME: 'n' }, (values, problems) => {
        problems.push({ variable: 'NAME', why: 'is taken' });
        return values;
      });
    expect(read).toThrow('NAME: is taken');
  });
});

it('describeConfig prints every variable, marking what is required and secret', () => {
  const table = describeConfig(schema);
  expect(table.split('\n')).toHaveLength(7);
  expect(table).toContain('| `SECRET` | the secret (secret) | string | **required** |');
  expect(table).toContain('| `PORT` | the port | integer | `80` | `8080` |');
});
