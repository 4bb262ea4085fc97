// `npm run fakes`: FCM with its OAuth endpoint, APNs prod and dev, and a Web Push service, for a staging environment.
import { resolve } from 'node:path';
import { orExit, readCommandLine } from '@pushmesh/config';
import { ListenError, listenOn } from '@pushmesh/lifecycle';
import { readFakesConfig } from './config.ts';
import { createControlApi } from './control-api.ts';
import { takeFolder, writeCredentials } from './credentials-folder.ts';
import { startFakes } from './start-fakes.ts';
import { createLedger } from './ledger.ts';

const dir = readCommandLine({
  usage: 'Usage: npm run fakes -- [--dir FOLDER]   (for the credentials; .pushmesh/fakes)',
  options: { dir: { type: 'string', default: '.pushmesh/fakes' } },
  read: ({ dir: folder }) => resolve(folder),
});
const config = orExit(readFakesConfig);
const problem = takeFolder(dir);
if (problem !== undefined) {
  console.error(`--dir: ${problem}`);
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
    onReceived: ledger.add,
  });
/** An address, and the variables to name if nothing can listen there. */
const at = (host: 'FAKES_HOST' | 'FAKES_CONTROL_HOST', port: `FAKES_${string}_PORT` & keyof typeof config) => ({
  host: config[host],
  port: config[port],
  variables: [host, port] as const,
});
const addresses = [
  at('FAKES_HOST', 'FAKES_FCM_PORT'),
  at('FAKES_HOST', 'FAKES_OAUTH_PORT'),
  at('FAKES_HOST', 'FAKES_APNS_PROD_PORT'),
  at('FAKES_HOST', 'FAKES_APNS_DEV_PORT'),
  at('FAKES_HOST', 'FAKES_WEB_PUSH_PORT'),
] as const;
const controlAt = at('FAKES_CONTROL_HOST', 'FAKES_CONTROL_PORT');

try {
  const fakes = await listenOn(addresses, start);
  const control = createControlApi({ fakes, ledger });
  await listenOn(controlAt, () => control.listen({ host: controlAt.host, port: controlAt.port }));
  const variables = writeCredentials(dir, fakes.connectionDetails);

  const { apns, fcm, webPush } = fakes.connectionDetails;
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
  if (!(error instanceof ListenError)) throw error;
  console.error(error.message);
  process.exit(1);
}
