import { modes } from '@pushmesh/contracts';
import type { Mode } from '@pushmesh/contracts';
import type { Act } from './behaviour.ts';
import { createApnsFake } from './apns/fake-apns.ts';
import type { ApnsDelivery } from './apns/fake-apns.ts';
import { createApnsKey } from './apns/provider-token.ts';
import { createFaults } from './fault.ts';
import { startFakeFcm } from './fcm/fake-fcm.ts';
import type { FcmDelivery } from './fcm/fake-fcm.ts';
import { createFakeServiceAccount } from './fcm/service-account.ts';
import { fromApns, fromFcm, fromWebPush } from './received.ts';
import type { Decoded } from './received.ts';
import { createFakeAuthority } from './fake-authority.ts';
import { startFakePushService } from './web-push/fake-web-push.ts';

export const fakePorts = { fcm: 0, oauth: 0, 'apns-prod': 0, 'apns-dev': 0, 'web-push': 0 };
export type FakePorts = Readonly<typeof fakePorts>;

type Options = {
  readonly host?: string;
  /** The name that clients call them by, and that their certificates are for. */
  readonly name?: string;
  /** 0: any free one. */
  readonly ports?: FakePorts;
  /** The Firebase projects, and which mode comes to each, where only one does. */
  readonly projects: Readonly<Record<string, Mode | undefined>>;
  /** `answer` is `accept`, or what was played in its place. */
  readonly onReceived: (received: Decoded, answer: Act['type']) => void;
};

/** FCM with its OAuth endpoint, APNs in both environments and a Web Push service, with credentials that live as long as they. */
export const startFakes = async ({ host = '127.0.0.1', name = 'localhost', ...options }: Options) => {
  const { ports = fakePorts, projects, onReceived } = options;
  const authority = createFakeAuthority();
  const certificate = authority.issue('the fakes of pushmesh', [name, 'localhost', '127.0.0.1']);
  const faults = createFaults();
  const key = createApnsKey();

  const toApns = (mode: Mode) => {
    const tell = (delivery: ApnsDelivery, act: Act['type']) => onReceived(fromApns(delivery, mode), act);
    return createApnsFake({
      authority,
      host,
      name,
      port: ports[`apns-${mode}`],
      keys: [key],
      mode,
      faults,
      onDelivered: (delivery) => tell(delivery, 'accept'),
      onRefused: (delivery, act) => tell(delivery, act.type),
    });
  };
  const apns = { prod: toApns('prod'), dev: toApns('dev') };
  await Promise.all(modes.map((mode) => apns[mode].start()));

  const modeOf = (projectId: string) => projects[projectId];
  const told = (delivery: FcmDelivery, act: Act['type']) =>
    onReceived(fromFcm(delivery, modeOf(delivery.projectId)), act);
  const fcm = await startFakeFcm({
    certificate,
    host,
    name,
    ports: { messages: ports.fcm, tokens: ports.oauth },
    modeOf,
    faults,
    onDelivered: (delivery) => told(delivery, 'accept'),
    onRefused: (delivery, act) => told(delivery, act.type),
  });
  const accounts = Object.keys(projects).map((projectId) =>
    createFakeServiceAccount({ projectId, tokenUri: fcm.tokenUri, privateKeyId: `key-of-${projectId}` }),
  );
  for (const account of accounts) fcm.tokens.trust(account);

  const webPush = await startFakePushService({
    certificate,
    host,
    name,
    port: ports['web-push'],
    faults,
    onDelivered: (delivery) => onReceived(fromWebPush(delivery), 'accept'),
    onRefused: (delivery, act) => onReceived(fromWebPush(delivery), act.type),
  });

  return {
    /** What a sender must know; plain data. */
    known: {
      /** PEM of the authority that vouches for all of them. */
      ca: authority.ca,
      apns: {
        key: { p8: key.p8, keyId: key.keyId, teamId: key.teamId },
        origins: { prod: apns.prod.origin(), dev: apns.dev.origin() },
      },
      /** `accounts`: the text of the key file by project. */
      fcm: {
        origin: fcm.origin,
        tokenUri: fcm.tokenUri,
        accounts: Object.fromEntries(accounts.map(({ projectId, json }) => [projectId, json])),
      },
      webPush: { origin: webPush.origin },
    },
    faults,
    apns,
    fcm,
    webPush,
    /** Accepts now what is slow. */
    hurry: (): void => {
      for (const each of [apns.prod, apns.dev, fcm, webPush]) each.hurry();
    },
    stop: async (): Promise<void> => {
      await Promise.all([apns.prod.stop(), apns.dev.stop(), fcm.stop(), webPush.stop()]);
    },
  };
};

export type Fakes = Awaited<ReturnType<typeof startFakes>>;
export type KnownOfFakes = Fakes['known'];
