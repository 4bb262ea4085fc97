import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readFakesConfig } from './config.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const free = Object.fromEntries(
  ['FCM', 'OAUTH', 'APNS_PROD', 'APNS_DEV', 'WEB_PUSH', 'CONTROL'].map((name) => [`FAKES_${name}_PORT`, '0']),
);

/** The exit code of `npm run fakes` and what it prints, if it does not start. */
const startFails = (env: NodeJS.ProcessEnv) =>
  new Promise((resolve) => {
    const dir = mkdtempSync(join(tmpdir(), 'pushmesh-fakes-'));
    execFile(process.execPath, [main, '--dir', dir], { env: { ...free, ...env } }, (error, _out, text) =>
      resolve(`${error?.code}: ${text}`),
    );
  });

it('names the variables of an address that it cannot listen on', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const [ofPort, ofHost] = await Promise.all([
    startFails({ FAKES_APNS_DEV_PORT: String(port) }),
    // An address for documentation, which no host has (RFC 5737).
    startFails({ FAKES_CONTROL_HOST: '192.0.2.1' }),
  ]);
  other.close();
  expect(ofPort).toMatch(
    new RegExp(`^1: FAKES_HOST, FAKES_APNS_DEV_PORT: cannot listen on 127.0.0.1 port ${port} \\(EADDRINUSE\\): .*\\n$`),
  );
  expect(ofHost).toMatch(
    /^1: FAKES_CONTROL_HOST, FAKES_CONTROL_PORT: cannot listen on 192.0.2.1 port 0 \(EADDRNOTAVAIL\): .*\n$/,
  );
});

it('refuses a misspelled variable, and ignores those that Kubernetes sets for a Service', () => {
  expect(() => readFakesConfig({ FAKES_FMC_PORT: '24431' })).toThrow(
    'FAKES_FMC_PORT: is unknown; did you mean FAKES_FCM_PORT',
  );
  const ofServices = {
    FAKES_SERVICE_HOST: '10.0.0.7',
    FAKES_SERVICE_PORT_FCM: '24431',
    FAKES_PORT: 'tcp://10.0.0.7:24431',
    FAKES_PORT_24431_TCP_ADDR: '10.0.0.7',
    FAKES_CONTROL_PORT: 'tcp://10.0.0.8:24436',
  };
  expect(readFakesConfig(ofServices)).toEqual(readFakesConfig({}));
});
