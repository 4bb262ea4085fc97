// `npm run fakes`: FCM with its OAuth endpoint, APNs prod and dev, and a Web Push service, for anybody’s staging.
import { resolve } from 'node:path';
import { orExit, readCommandLine } from '@pushmesh/config';
import { readFakesConfig } from './config.ts';
import { createControl } from './control.ts';
import { takeFolder, writeCredentials } from './credentials-dir.ts';
import { startFakes } from './fakes.ts';
import { createLedger } from './ledger.ts';

const dir = readCommandLine({
  usage: 'Usage: npm run fakes -- [--dir FOLDER]   (for the credentials; .pushmesh/fakes)',
  options: { dir: { type: 'string', default: '.pushmesh/fakes' } },
  read: ({ dir: folder }) => resolve(folder),
});
const config = orExit(readFakesConfig);
const trouble = takeFolder(dir);
if (trouble !== undefined) {
  console.error(`--dir: ${trouble}`);
  process.exit(2);
}

const maxKeys = 100_000;
const ledger = createLedger({
  maxPhones: config.FAKES_MAX_DEVICES,
  maxNotifications: config.FAKES_MAX_NOTIFICATIONS,
  maxKeys,
});
const start = () =>
  startFakes({
    host: config.FAKES_HOST,
    name: config.FAKES_NAME,
    ports: {
      fcm: config.FAKES_FCM_PORT,
      oauth: config.FAKES_OAUTH_PORT,
      'apns-prod': config.FAKES_APNS_PROD_PORT,
      'apns-dev': config.FAKES_APNS_DEV_PORT,
      'web-push': config.FAKES_WEB_PUSH_PORT,
    },
    projects: { 'pushmesh-fakes': undefined },
    onReceived: ledger.note,
  });

try {
  const fakes = await start();
  const control = createControl({ fakes, ledger });
  await control.listen({ host: config.FAKES_CONTROL_HOST, port: config.FAKES_CONTROL_PORT });
  const variables = writeCredentials(dir, fakes.known);

  const { apns, fcm, webPush } = fakes.known;
  console.log(`fakes  fcm        ${fcm.origin}
fakes  oauth      ${fcm.tokenUri}
fakes  apns-prod  ${apns.origins.prod}
fakes  apns-dev   ${apns.origins.dev}
fakes  web-push   ${webPush.origin}
fakes  control    ${control.listeningOrigin}
fakes  ca         ${variables['NODE_EXTRA_CA_CERTS']}
fakes  variables  ${dir}/push-service.env
fakes  ready`);

  const stop = async () => {
    await control.close();
    await fakes.stop();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop());
} catch (error) {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') throw error;
  const variable = code === 'EADDRINUSE' || code === 'EACCES' ? 'FAKES_…_PORT' : 'FAKES_HOST and FAKES_CONTROL_HOST';
  console.error(`The fakes cannot listen: ${message}. Set ${variable} (docs/reference/configuration.md#fakes).`);
  process.exit(1);
}
