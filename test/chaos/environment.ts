import { join } from 'node:path';
import { choosePorts } from '@pushmesh/servers';
import { startMesh } from '../../deploy/local/mesh.ts';
import type { Mesh, XmppServerName } from '../../deploy/local/mesh.ts';
import type { ServiceName } from '../../deploy/local/service.ts';
import { startPhones } from './push-api-proxy.ts';
import type { Phones } from './push-api-proxy.ts';
import { startTap } from './component-proxy.ts';
import type { Tap } from './component-proxy.ts';

export type Settings = Partial<Record<ServiceName, Readonly<Record<string, string>>>>;

/** A whole mesh, with witnesses at both of its ends. */
export type Stage = {
  readonly mesh: Mesh;
  readonly tap: Tap;
  readonly phones: Phones;
  close(): Promise<void>;
};

export const awayUsers = Array.from({ length: 6 }, (_, index) => `away${index}`);

/** What a dispatcher has under way at a time. Far below the messages of a fault: a check that allows them all says nothing. */
export const dispatcherInFlight = 32;

export const openStage = async (
  server: XmppServerName,
  dataDir: string,
  settings: Settings,
  report: (line: string) => void,
): Promise<Stage> => {
  const ports = await choosePorts({ component: undefined, http: undefined, phones: undefined }, report);
  const tap = await startTap(ports.component);
  const phones = await startPhones(dataDir, ports.phones, `http://127.0.0.1:${ports.http}`);
  const closeWitnesses = async (): Promise<void> => {
    tap.close();
    await phones.close();
  };
  try {
    const mesh = await startMesh({
      dataDir: join(dataDir, server),
      server,
      ports: { component: ports.component, http: ports.http },
      // ejabberd drops registrations while the gateway is away, unless the name of the component can be looked up: this one
      // can be, everywhere.
      component: '127.0.0.1',
      // The strictest server: the first error that is not `wait` costs the registration, as on ejabberd.
      prosody: { pushMaxErrors: 1 },
      users: ['sender', ...awayUsers].map((name) => ({ name, password: `${name}-pw` })),
      settings: {
        ...settings,
        gateway: {
          XMPP_SERVICE: tap.service,
          XMPP_STREAM: server === 'prosody' ? 'exclusive' : 'shared',
          ...settings.gateway,
        },
        'push-service': { ...phones.pushService, ...settings['push-service'] },
        dispatcher: {
          PUSH_API_URL: phones.url,
          CONCURRENCY: String(dispatcherInFlight),
          ...settings.dispatcher,
        },
      },
      report,
    });
    return {
      mesh,
      tap,
      phones,
      close: async () => {
        await mesh.stop();
        await closeWitnesses();
      },
    };
  } catch (error) {
    await closeWitnesses();
    throw error;
  }
};
