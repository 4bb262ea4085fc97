import type { Mode } from '@pushmesh/contracts';
import { startFakeApns } from './apns/fake-apns.ts';
import type { ApnsDelivery, FakeApns } from './apns/fake-apns.ts';
import { createFakeApnsKey } from './apns/provider-token.ts';
import type { Behaviour } from './behaviour.ts';
import { createFakeAuthority } from './fake-authority.ts';
import { createFaults } from './fault.ts';
import { startFakeFcm } from './fcm/fake-fcm.ts';
import type { FcmDelivery } from './fcm/fake-fcm.ts';
import { createFakeServiceAccount } from './fcm/service-account.ts';
import { fromApns, fromFcm, fromWebPush } from './received.ts';
import type { Decoded } from './received.ts';
import { startFakeWebPush } from './web-push/fake-web-push.ts';

type Options = {
  readonly host?: string;
  /** The host name in the URLs of clients, and in the certificates. */
  readonly name?: string;
  /** 0: any free port. */
  readonly ports?: typeof anyPorts;
  /** The Firebase projects, each with its mode if it has one. */
  readonly projects: Readonly<Record<string, Mode | undefined>>;
  /** `answer` is `accept`, or the behaviour that was simulated in its place. */
  readonly onReceived: (received: Decoded, answer: Behaviour['type']) => void;
};

const anyPorts = { fcm: 0, oauth: 0, 'apns-prod': 0, 'apns-dev': 0, 'web-push': 0 };

/** Fakes of FCM with its token endpoint, of both environments of APNs and of a Web Push service, with new credentials. */
export const startFakes = async (options: Options) => {
  const { host = '127.0.0.1', name = 'localhost', ports = anyPorts, projects, onReceived } = options;
  const authority = createFakeAuthority();
  const certificate = authority.issue('the fakes of pushmesh', [name, 'localhost', '127.0.0.1']);
  const faults = createFaults();
  const key = createFakeApnsKey();

  const startApns = (mode: Mode): Promise<FakeApns> => {
    const tell = (delivery: ApnsDelivery, answer: Behaviour['type']) => onReceived(fromApns(delivery, mode), answer);
    return startFakeApns({
      authority,
      host,
      name,
      port: ports[`apns-${mode}`],
      keys: [key],
      mode,
      faults,
      onDelivered: (delivery) => tell(delivery, 'accept'),
      onRefused: (delivery, behaviour) => tell(delivery, behaviour.type),
    });
  };
  const [prod, dev] = await Promise.all([startApns('prod'), startApns('dev')]);

  const modeOf = (projectId: string) => projects[projectId];
  const tellFcm = (delivery: FcmDelivery, answer: Behaviour['type']) =>
    onReceived(fromFcm(delivery, modeOf(delivery.projectId)), answer);
  const fcm = await startFakeFcm({
    certificate,
    host,
    name,
    ports: { messages: ports.fcm, tokens: ports.oauth },
    modeOf,
    faults,
    onDelivered: (delivery) => tellFcm(delivery, 'accept'),
    onRefused: (delivery, behaviour) => tellFcm(delivery, behaviour.type),
  });
  const accounts = Object.keys(projects).map((projectId) =>
    createFakeServiceAccount({ projectId, tokenUri: fcm.tokenUri, privateKeyId: `key-of-${projectId}` }),
  );
  for (const account of accounts) fcm.tokens.trust(account);

  const webPush = await startFakeWebPush({
    certificate,
    host,
    name,
    port: ports['web-push'],
    faults,
    onDelivered: (delivery) => onReceived(fromWebPush(delivery), 'accept'),
    onRefused: (delivery, behaviour) => onReceived(fromWebPush(delivery), behaviour.type),
  });

  return {
    /** What a sender needs to connect. Plain data, which can be sent to another thread. */
    connectionDetails: {
      /** The certificate of the authority of all fakes, PEM. */
      ca: authority.ca,
      apns: {
        key: { p8: key.p8, keyId: key.keyId, teamId: key.teamId },
        origins: { prod: prod.origin, dev: dev.origin },
      },
      fcm: {
        origin: fcm.origin,
        tokenUri: fcm.tokenUri,
        /** The text of the service account's key file, by project. */
        accounts: Object.fromEntries(accounts.map(({ projectId, json }) => [projectId, json])),
      },
      webPush: { origin: webPush.origin },
    },
    faults,
    apns: { prod, dev },
    fcm,
    webPush,
    /** Lets delayed requests go on at once. */
    endDelays: (): void => {
      for (const each of [prod, dev, fcm, webPush]) each.endDelays();
    },
    stop: async (): Promise<void> => {
      await Promise.all([prod.stop(), dev.stop(), fcm.stop(), webPush.stop()]);
    },
  };
};

export type Fakes = Awaited<ReturnType<typeof startFakes>>;
export type ConnectionDetails = Fakes['connectionDetails'];
