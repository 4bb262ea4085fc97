import { join } from 'node:path';
import { choosePorts } from '@pushmesh/servers';
import { startMesh } from '../../deploy/local/mesh.ts';
import type { Mesh, XmppServerName } from '../../deploy/local/mesh.ts';
import type { ServiceName } from '../../deploy/local/service.ts';
import { startComponentProxy } from './component-proxy.ts';
import type { ComponentProxy } from './component-proxy.ts';
import { startFcmRecorder } from './fcm-recorder.ts';
import type { FcmRecorder } from './fcm-recorder.ts';
import { startPushApiProxy } from './push-api-proxy.ts';
import type { PushApiProxy } from './push-api-proxy.ts';

/** Variables, by service. */
export type Settings = Partial<Record<ServiceName, Readonly<Record<string, string>>>>;

/** A whole mesh, recorded at both ends: what the XMPP server publishes and what FCM receives. */
export type FaultEnvironment = {
  readonly mesh: Mesh;
  readonly componentProxy: ComponentProxy;
  readonly pushApi: PushApiProxy;
  readonly fcm: FcmRecorder;
  stop(): Promise<void>;
};

export const offlineUsers = Array.from({ length: 6 }, (_, index) => `offline${index}`);

/**
 * `CONCURRENCY` of the dispatcher. It must be far below the number of messages in a fault run: a check that allowed all of
 * them to be repeated could not fail.
 */
export const dispatcherInFlight = 32;

export const startFaultEnvironment = async (
  server: XmppServerName,
  dataDir: string,
  settings: Settings,
  report: (line: string) => void,
): Promise<FaultEnvironment> => {
  const ports = await choosePorts({ component: undefined, http: undefined, pushApi: undefined }, report);
  const componentProxy = await startComponentProxy(ports.component);
  const fcm = await startFcmRecorder(dataDir);
  const pushApi = await startPushApiProxy(ports.pushApi, `http://127.0.0.1:${ports.http}`);
  const stopRecording = async (): Promise<void> => {
    componentProxy.stop();
    pushApi.stop();
    await fcm.stop();
  };
  try {
    const mesh = await startMesh({
      dataDir: join(dataDir, server),
      server,
      ports: { component: ports.component, http: ports.http },
      // ejabberd drops registrations while the gateway is away, unless the component's name resolves. This one always does.
      component: '127.0.0.1',
      // As strict as ejabberd: the first error that is not `wait` costs the registration.
      prosody: { pushMaxErrors: 1 },
      users: ['sender', ...offlineUsers].map((name) => ({ name, password: `${name}-pw` })),
      settings: {
        ...settings,
        gateway: {
          XMPP_SERVICE: componentProxy.service,
          XMPP_STREAM: server === 'prosody' ? 'exclusive' : 'shared',
          ...settings.gateway,
        },
        'push-service': { ...fcm.pushServiceEnv, ...settings['push-service'] },
        dispatcher: {
          PUSH_API_URL: pushApi.url,
          CONCURRENCY: String(dispatcherInFlight),
          ...settings.dispatcher,
        },
      },
      report,
    });
    return {
      mesh,
      componentProxy,
      pushApi,
      fcm,
      stop: async () => {
        await mesh.stop();
        await stopRecording();
      },
    };
  } catch (error) {
    await stopRecording();
    throw error;
  }
};
