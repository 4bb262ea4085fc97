import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Element } from 'ltx';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { connectClient } from '../../deploy/local/client.ts';
import type { Client } from '../../deploy/local/client.ts';
import { createNode, disable, enable, setAffiliation } from '../../deploy/local/guide.ts';
import { startMesh } from '../../deploy/local/mesh.ts';
import type { Mesh, XmppServerName } from '../../deploy/local/mesh.ts';
import { staysSilent, notificationsOf, waitForPush } from '../../deploy/local/phone.ts';
import type { Notification } from '../../deploy/local/phone.ts';
import type { ServiceName } from '../../deploy/local/service.ts';
import { readMetric } from '../harness/metrics.ts';
import { answerOf, push } from './stanzas.ts';

export type MeshFixtureOptions = {
  readonly server: XmppServerName;
  /** The XMPP server drops a registration after this many errors in a row. */
  readonly dropsAfterErrors: number;
  /** `XMPP_STREAM` of the gateway. */
  readonly streamMode: 'shared' | 'exclusive';
};

/** A running mesh, and what its tests do with it again and again. */
export type MeshFixture = MeshFixtureOptions & {
  /** The mesh: only inside tests. */
  readonly mesh: () => Mesh;
  /** Logs alice (0) or bob (1) in until the end of the test. */
  readonly logIn: (who: 0 | 1) => Promise<Client>;
  /** Runs `act` while alice is online. Afterwards she is offline and misses messages. */
  readonly asAlice: <T>(act: (alice: Client) => Promise<T>) => Promise<T>;
  /** Gives alice a push node and a registration with these options. */
  readonly register: (node: string, options: Record<string, string>) => Promise<void>;
  /** Removes all registrations of alice. */
  readonly disableAll: () => Promise<Element>;
  readonly unique: (what: string) => string;
  /** Sums a metric of a service; labels as `name="value"`. */
  readonly metric: (service: ServiceName, name: string, ...labels: string[]) => Promise<number>;
  readonly publishesSeen: () => Promise<number>;
  /** Waits for the `count`th notification of a phone. */
  readonly waitForPush: (phone: string, count: number) => Promise<Notification>;
  /** Whether a phone has `count` notifications and gets no more. */
  readonly hasNoMore: (phone: string, count: number) => Promise<boolean>;
  readonly notificationsOf: (phone: string) => Promise<readonly Notification[]>;
};

/** Starts a mesh before the tests of this `describe` and stops it after them. */
export const useMesh = (options: MeshFixtureOptions): MeshFixture => {
  const { server, dropsAfterErrors, streamMode } = options;
  const dataDir = mkdtempSync(join(tmpdir(), `pushmesh-${server}-`));
  const clients: Client[] = [];
  let mesh: Mesh;

  beforeAll(async () => {
    mesh = await startMesh({
      dataDir,
      server,
      prefer: 'containers',
      prosody: { pushMaxErrors: dropsAfterErrors },
      settings: {
        gateway: { XMPP_STREAM: streamMode },
        dispatcher: { RETRY_BASE_MS: '100', RETRY_CAP_MS: '500', BREAKER_RESET_MS: '500', BREAKER_VOLUME: '5' },
      },
      report: () => {},
    });
  });
  // A client that stayed logged in would keep its user online in the next test.
  afterEach(async () => {
    await Promise.allSettled(clients.splice(0).map((client) => client.close()));
  });
  afterAll(async () => {
    await mesh?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const logIn = async (who: 0 | 1): Promise<Client> => {
    const { users, ...xmpp } = mesh.endpoints.xmpp;
    const user = users[who];
    if (!user) throw new Error(`there is no user ${who}`);
    const client = await connectClient({ ...xmpp, ...user }, `r${randomUUID().slice(0, 8)}`);
    clients.push(client);
    return client;
  };
  const asAlice = async <T>(act: (alice: Client) => Promise<T>): Promise<T> => {
    const alice = await logIn(0);
    const done = await act(alice);
    await alice.close();
    return done;
  };
  const metric = (service: ServiceName, name: string, ...labels: string[]): Promise<number> =>
    readMetric(mesh.services[service].ops, name, ...labels);

  return {
    ...options,
    mesh: () => mesh,
    logIn,
    asAlice,
    register: (node, registration) =>
      asAlice(async (alice) => {
        expect(answerOf(await alice.iq('set', push, createNode(node)))).toBe('result');
        expect(answerOf(await alice.iq('set', push, setAffiliation(node, 'localhost', 'publish-only')))).toBe('result');
        expect(answerOf(await alice.iq('set', undefined, enable(push, node, registration)))).toBe('result');
      }),
    disableAll: () => asAlice((alice) => alice.iq('set', undefined, disable(push))),
    unique: (what) => `${what}-${randomUUID().slice(0, 8)}`,
    metric,
    publishesSeen: () => metric('gateway', 'pushmesh_stanzas_total', 'request="publish"'),
    waitForPush: (phone, count) => waitForPush(mesh.endpoints.pushService, phone, count),
    hasNoMore: (phone, count) => staysSilent(mesh.endpoints.pushService, phone, count),
    notificationsOf: (phone) => notificationsOf(mesh.endpoints.pushService, phone),
  };
};
