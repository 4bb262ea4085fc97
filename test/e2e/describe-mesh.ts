import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { xml } from '@xmpp/client';
import type { Element } from 'ltx';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectClient } from '../../deploy/local/client.ts';
import type { Client } from '../../deploy/local/client.ts';
import {
  createNode,
  deleteNode,
  disable,
  enable,
  nodeConfig,
  publishOptions,
  setAffiliation,
} from '../../deploy/local/guide.ts';
import { dedupeKey } from '@pushmesh/acceptance';
import { startMesh } from '../../deploy/local/mesh.ts';
import type { Mesh, XmppServerName } from '../../deploy/local/mesh.ts';
import type { ServiceName } from '../../deploy/local/service.ts';
import { readEnds } from './results.ts';
import { expectNothing, notificationsOf, waitForPush } from '../../deploy/local/phone.ts';

const pubsub = 'http://jabber.org/protocol/pubsub';
const push = 'push.localhost';
const patience = { timeout: 20_000, interval: 50 };

/** An IQ reply in short: `result`, or `error`, its type, its condition and the pubsub condition beside it. */
const inShort = (reply: Element): string => {
  if (reply.attrs['type'] === 'result') return 'result';
  const error = reply.getChild('error');
  const conditions = (error?.children ?? [])
    .filter((child): child is Element => typeof child !== 'string' && child.name !== 'text')
    .map(({ name, attrs }) => (attrs['feature'] ? `${name} ${attrs['feature']}` : name));
  return [error?.attrs['type'], ...conditions].join(' ');
};

const notification = (body = 'hello'): Element =>
  xml(
    'notification',
    { xmlns: 'urn:xmpp:push:0' },
    xml(
      'x',
      { xmlns: 'jabber:x:data', type: 'submit' },
      xml('field', { var: 'FORM_TYPE' }, xml('value', {}, 'urn:xmpp:push:summary')),
      xml('field', { var: 'last-message-body' }, xml('value', {}, body)),
    ),
  );
const publish = (node: string | undefined, items: Element[], options?: Record<string, string>): Element =>
  xml(
    'pubsub',
    { xmlns: pubsub },
    xml('publish', { node }, ...items),
    ...(options ? [xml('publish-options', {}, publishOptions(options))] : []),
  );
const owner = (...children: Element[]) => xml('pubsub', { xmlns: `${pubsub}#owner` }, ...children);
const configure = (node: string, fields: Record<string, string>) =>
  owner(xml('configure', { node }, nodeConfig(fields)));
const item = (...payload: Element[]) => xml('item', {}, ...payload);

/** The id of the delivery that an answered publish became. */
const idOf = ({ attrs }: Element, node: string, text: string, options: Record<string, string>): string =>
  dedupeKey(push, String(attrs['to']), String(attrs['id']), node, [{ lastMessageBody: text }, options]);

/** Everything that must hold on every XMPP server, on a mesh of its own: real servers, all four services as processes. */
export const describeMesh = (
  server: XmppServerName,
  dropsAfterErrors: number,
  streamMode: 'shared' | 'exclusive',
): void => {
  describe(`the mesh with ${server}`, () => {
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
    // Who stays logged in misses no message, in the next test either.
    afterEach(async () => {
      await Promise.allSettled(clients.splice(0).map((client) => client.close()));
    });
    afterAll(async () => {
      await mesh?.stop();
      rmSync(dataDir, { recursive: true, force: true });
    });

    const logIn = async (who: 0 | 1, resource = `r${randomUUID().slice(0, 8)}`): Promise<Client> => {
      const { users, ...xmpp } = mesh.endpoints.xmpp;
      const user = users[who];
      if (!user) throw new Error(`there is no user ${who}`);
      const client = await connectClient({ ...xmpp, ...user }, resource);
      clients.push(client);
      return client;
    };
    const unique = (what: string) => `${what}-${randomUUID().slice(0, 8)}`;
    /** Alice is online only inside; afterwards she is away and messages to her are missed. */
    const asAlice = async <T>(act: (alice: Client) => Promise<T>): Promise<T> => {
      const alice = await logIn(0);
      const done = await act(alice);
      await alice.close();
      return done;
    };
    const register = (node: string, options: Record<string, string>): Promise<void> =>
      asAlice(async (alice) => {
        expect(inShort(await alice.iq('set', push, createNode(node)))).toBe('result');
        expect(inShort(await alice.iq('set', push, setAffiliation(node, 'localhost', 'publish-only')))).toBe('result');
        expect(inShort(await alice.iq('set', undefined, enable(push, node, options)))).toBe('result');
      });
    const disableAll = () => asAlice((alice) => alice.iq('set', undefined, disable(push)));
    /** The value of one series of one service’s metrics; 0 while there is none. */
    const metric = async (service: ServiceName, name: string, ...labels: string[]): Promise<number> => {
      const text = await (await fetch(`${mesh.services[service].ops}/metrics`)).text();
      const lines = text
        .split('\n')
        .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)));
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    };
    const publishesSeen = () => metric('gateway', 'pushmesh_stanzas_total', 'request="publish"');

    describe('the guide’s flow', () => {
      it('create, affiliations, enable, go away, be written to, get the push; disable, be written to, get nothing', async () => {
        const [node, phone] = [unique('princely_musings'), unique('phone')];
        await register(node, { service: 'apns', device_id: phone, mode: 'dev', click_action: 'open_chat' });
        const bob = await logIn(1);
        await bob.message('alice@localhost', 'Neither, fair saint — ü 😀 <b>&');
        expect(await waitForPush(mesh.endpoints.pushService, phone, 1)).toMatchObject({
          service: 'apns',
          mode: 'dev',
          title: expect.stringMatching(/^bob@localhost(\/|$)/) as string,
          body: 'Neither, fair saint — ü 😀 <b>&',
          badge: 1,
          click_action: 'open_chat',
        });
        await asAlice(async (alice) => {
          expect(inShort(await alice.iq('set', undefined, disable(push, node)))).toBe('result');
        });
        await bob.message('alice@localhost', 'still there?');
        expect(await expectNothing(mesh.endpoints.pushService, phone, 1)).toBe(true);
      });

      it('the guide’s field name `device` works too, with FCM and silent', async () => {
        const [node, phone] = [unique('node'), unique('phone')];
        await register(node, { service: 'fcm', device: phone, silent: 'true' });
        const bob = await logIn(1);
        await bob.message('alice@localhost', 'psst');
        const pushed = await waitForPush(mesh.endpoints.pushService, phone, 1);
        expect(pushed).toMatchObject({ service: 'fcm', mode: 'prod', data: { 'last-message-body': 'psst' } });
        expect(pushed).not.toHaveProperty('title');
        await disableAll();
      });

      it('with a secret of the node, which the server repeats', async () => {
        const [node, phone] = [unique('node'), unique('phone')];
        const options = { service: 'fcm', device_id: phone };
        await register(node, { ...options, secret: 'hush' });
        await asAlice(async (alice) => {
          expect(inShort(await alice.iq('set', push, configure(node, { secret: 'hush' })))).toBe('result');
        });
        const bob = await logIn(1);
        await bob.message('alice@localhost', 'who knows');
        expect(await waitForPush(mesh.endpoints.pushService, phone, 1)).toMatchObject({ body: 'who knows' });
        await disableAll();
      });

      it('disable without node disables every node of the service', async () => {
        const phones = [unique('phone'), unique('phone')];
        // One node for each client session: ejabberd keys its registrations by session.
        for (const phone of phones) await register(unique('node'), { service: 'fcm', device_id: phone });
        const bob = await logIn(1);
        await bob.message('alice@localhost', 'to both');
        for (const phone of phones) await waitForPush(mesh.endpoints.pushService, phone, 1);
        expect(inShort(await disableAll())).toBe('result');
        await bob.message('alice@localhost', 'to none');
        for (const phone of phones) expect(await expectNothing(mesh.endpoints.pushService, phone, 1)).toBe(true);
      });
    });

    describe('answers on the wire', () => {
      it('create', async () => {
        const [alice, bob] = [await logIn(0), await logIn(1)];
        const node = unique('node');
        const created = await alice.iq('set', push, createNode(node));
        expect(created.getChild('pubsub', pubsub)?.getChild('create')?.attrs['node']).toBe(node);
        const create = async (client: Client, ...children: Element[]) =>
          inShort(await client.iq('set', push, xml('pubsub', { xmlns: pubsub }, ...children)));
        const configured = (name: string, value: string) => [
          xml('create', { node: unique('node'), type: 'push' }),
          xml(
            'configure',
            {},
            xml('x', { xmlns: 'jabber:x:data', type: 'submit' }, xml('field', { var: name }, xml('value', {}, value))),
          ),
        ];
        expect(await create(alice, xml('create', { node, type: 'push' }))).toBe('cancel conflict');
        expect(await create(bob, xml('create', { node, type: 'push' }))).toBe('cancel conflict');
        expect(await create(alice, xml('create', { type: 'push' }))).toBe('modify not-acceptable nodeid-required');
        expect(await create(alice, xml('create', { node: unique('node'), type: 'flat' }))).toBe(
          'cancel feature-not-implemented unsupported create-nodes',
        );
        expect(await create(alice, ...configured('pubsub#publish_model', 'open'))).toBe('result');
        expect(await create(alice, ...configured('pubsub#access_model', 'open'))).toBe(
          'modify not-acceptable unsupported-access-model',
        );
      });

      it('delete', async () => {
        const [alice, bob] = [await logIn(0), await logIn(1)];
        const node = unique('node');
        await alice.iq('set', push, createNode(node));
        expect(inShort(await bob.iq('set', push, deleteNode(node)))).toBe('auth forbidden');
        expect(inShort(await alice.iq('set', push, deleteNode(unique('node'))))).toBe('cancel item-not-found');
        expect(inShort(await alice.iq('set', push, deleteNode('')))).toBe('cancel not-allowed');
        expect(inShort(await alice.iq('set', push, deleteNode(node)))).toBe('result');
        const gone = publish(node, [item(notification())], { service: 'fcm', device_id: unique('phone') });
        expect(inShort(await alice.iq('set', push, gone))).toBe('cancel item-not-found');
      });

      it('affiliations', async () => {
        const [alice, bob] = [await logIn(0), await logIn(1)];
        const [node, phone] = [unique('node'), unique('phone')];
        await alice.iq('set', push, createNode(node));
        const set = async (client: Client, jid: string, affiliation: string, name = node) =>
          inShort(await client.iq('set', push, setAffiliation(name, jid, affiliation)));
        const get = (client: Client) => client.iq('get', push, owner(xml('affiliations', { node })));
        const listed = (reply: Element) =>
          reply
            .getChild('pubsub', `${pubsub}#owner`)
            ?.getChild('affiliations')
            ?.getChildren('affiliation')
            .map(({ attrs }) => `${attrs['jid']} ${attrs['affiliation']}`);
        const bobPublishes = async () =>
          inShort(
            await bob.iq(
              'set',
              push,
              publish(node, [item(notification('by bob'))], { service: 'fcm', device_id: phone }),
            ),
          );
        expect(await bobPublishes()).toBe('auth forbidden');
        expect(await set(alice, 'bob@localhost/anywhere', 'publish-only')).toBe('result');
        expect(listed(await get(alice))).toEqual([
          'localhost publish-only',
          'alice@localhost owner',
          'bob@localhost publish-only',
        ]);
        expect(await bobPublishes()).toBe('result');
        expect(await waitForPush(mesh.endpoints.pushService, phone, 1)).toMatchObject({ body: 'by bob' });

        expect(inShort(await get(bob))).toBe('auth forbidden');
        expect(await set(bob, 'bob@localhost', 'owner')).toBe('auth forbidden');
        expect(await set(alice, 'bob@localhost', 'none')).toBe('result');
        expect(await bobPublishes()).toBe('auth forbidden');
        expect(await set(alice, 'bob@localhost', 'friend')).toBe('modify bad-request');
        expect(await set(alice, '@@', 'owner')).toBe('modify bad-request');
        expect(await set(alice, 'localhost', 'publish-only', unique('node'))).toBe('cancel item-not-found');
        const last = await alice.iq('set', push, setAffiliation(node, 'alice@localhost', 'none'));
        expect(inShort(last)).toBe('modify not-acceptable');
        expect(listed(last)).toEqual(['alice@localhost owner']);
      });

      it('configure', async () => {
        const [alice, bob] = [await logIn(0), await logIn(1)];
        const [node, phone] = [unique('node'), unique('phone')];
        await alice.iq('set', push, createNode(node));
        const set = async (client: Client, fields: Record<string, string>, name = node) =>
          inShort(await client.iq('set', push, configure(name, fields)));
        const get = (client: Client) => client.iq('get', push, owner(xml('configure', { node })));
        const bobPublishes = async (more = {}) =>
          inShort(
            await bob.iq(
              'set',
              push,
              publish(node, [item(notification('open to all'))], { service: 'fcm', device_id: phone, ...more }),
            ),
          );
        const publishModel = (reply: Element) =>
          reply
            .getChild('pubsub')
            ?.getChild('configure')
            ?.getChild('x')
            ?.getChildren('field')
            .find(({ attrs }) => attrs['var'] === 'pubsub#publish_model')
            ?.getChildText('value');
        expect(publishModel(await get(alice))).toBe('publishers');
        expect(await bobPublishes()).toBe('auth forbidden');
        expect(await set(alice, { 'pubsub#publish_model': 'open' })).toBe('result');
        expect(publishModel(await get(alice))).toBe('open');
        expect(await bobPublishes()).toBe('result');
        expect(await waitForPush(mesh.endpoints.pushService, phone, 1)).toMatchObject({ body: 'open to all' });

        expect(await set(alice, { secret: 'hush' })).toBe('result');
        expect(await bobPublishes()).toBe('auth forbidden');
        expect(await bobPublishes({ secret: 'hash' })).toBe('auth forbidden');
        expect(await bobPublishes({ secret: 'hush' })).toBe('result');
        expect(await set(alice, { secret: '' })).toBe('result');
        expect(await bobPublishes()).toBe('result');

        expect(await set(alice, { 'pubsub#publish_model': 'subscribers' })).toBe('modify not-acceptable');
        expect(await set(bob, { 'pubsub#publish_model': 'open' })).toBe('auth forbidden');
        expect(inShort(await get(bob))).toBe('auth forbidden');
        expect(await set(alice, {}, unique('node'))).toBe('cancel item-not-found');
      });

      it('publish, in the order of the checks', async () => {
        const [alice, bob] = [await logIn(0), await logIn(1)];
        const [node, phone] = [unique('node'), unique('phone')];
        await alice.iq('set', push, createNode(node));
        const options = { service: 'fcm', device_id: phone };
        const tooBig = notification();
        tooBig.append(xml('junk', { xmlns: 'urn:example' }, 'x'.repeat(60_001)));
        const entry = xml('entry', { xmlns: 'http://www.w3.org/2005/Atom' });
        const answer = async (client: Client, payload: Element) => inShort(await client.iq('set', push, payload));
        expect(await answer(alice, publish(undefined, [item(notification())], options))).toBe(
          'modify bad-request nodeid-required',
        );
        expect(await answer(alice, publish(node, [], options))).toBe('modify bad-request item-required');
        expect(await answer(alice, publish(node, [item(notification()), item(notification())], options))).toBe(
          'modify bad-request invalid-payload',
        );
        expect(await answer(alice, publish(unique('node'), [item(entry)]))).toBe('cancel item-not-found');
        expect(await answer(bob, publish(node, [item()]))).toBe('modify bad-request payload-required');
        expect(await answer(bob, publish(node, [item(entry)]))).toBe('modify bad-request invalid-payload');
        expect(await answer(bob, publish(node, [item(tooBig)]))).toBe('modify not-acceptable payload-too-big');
        expect(await answer(bob, publish(node, [item(notification())]))).toBe('cancel conflict precondition-not-met');
        expect(await answer(alice, publish(node, [item(notification())], { service: 'fcm' }))).toBe(
          'cancel conflict precondition-not-met',
        );
        expect(await answer(bob, publish(node, [item(notification())], options))).toBe('auth forbidden');
        expect(await notificationsOf(mesh.endpoints.pushService, phone)).toEqual([]);
        expect(await answer(alice, publish(node, [item(notification('at last'))], options))).toBe('result');
        expect(await waitForPush(mesh.endpoints.pushService, phone, 1)).toMatchObject({ body: 'at last' });
      });

      it('enable and disable sent to the component itself', async () => {
        const alice = await logIn(0);
        const node = unique('node');
        const answer = async (type: 'get' | 'set', payload: Element) => inShort(await alice.iq(type, push, payload));
        const urn = { xmlns: 'urn:xmpp:push:0' };
        const options = { service: 'fcm', device_id: 't' };
        expect(await answer('set', enable(push, node, options))).toBe('result');
        expect(await answer('set', enable(push, node, options))).toBe('result');
        expect(await answer('set', xml('enable', { ...urn, jid: push, node }))).toBe('result');
        expect(await answer('set', xml('enable', { ...urn, node }))).toBe('modify bad-request');
        expect(await answer('set', xml('enable', { ...urn, jid: push }))).toBe('modify bad-request');
        expect(await answer('set', xml('enable', { ...urn, jid: '@@', node }))).toBe('modify bad-request');
        expect(
          await answer(
            'set',
            xml('enable', { ...urn, jid: push, node }, xml('x', { xmlns: 'jabber:x:data', type: 'form' })),
          ),
        ).toBe('modify bad-request');
        expect(await answer('get', enable(push, node, options))).toBe('cancel not-allowed');
        expect(await answer('set', xml('sing', urn))).toBe('modify bad-request');
        expect(await answer('set', disable(push, node))).toBe('result');
        expect(await answer('set', disable(push, node))).toBe('result');
        expect(await answer('set', disable(push))).toBe('result');
        expect(await answer('set', xml('disable', { ...urn, jid: push, node: '' }))).toBe('modify bad-request');
        expect(await answer('set', xml('disable', urn))).toBe('modify bad-request');
      });

      it('disco, ping and everything unknown', async () => {
        const [alice, bob] = [await logIn(0), await logIn(1)];
        const node = unique('node');
        await alice.iq('set', push, createNode(node));
        const info = await alice.iq('get', push, xml('query', { xmlns: 'http://jabber.org/protocol/disco#info' }));
        const query = info.getChild('query');
        expect(query?.getChildren('identity').map(({ attrs }) => `${attrs['category']}/${attrs['type']}`)).toContain(
          'pubsub/push',
        );
        expect(query?.getChildren('feature').map(({ attrs }) => attrs['var'])).toEqual(
          expect.arrayContaining([
            'urn:xmpp:push:0',
            ...['config-node', 'modify-affiliations', 'retrieve-affiliations'].map((each) => `${pubsub}#${each}`),
          ]),
        );
        const items = async (client: Client) =>
          (await client.iq('get', push, xml('query', { xmlns: 'http://jabber.org/protocol/disco#items' })))
            .getChild('query')
            ?.getChildren('item')
            .map(({ attrs }) => attrs['node']);
        expect(await items(alice)).toContain(node);
        expect(await items(bob)).not.toContain(node);
        expect(inShort(await alice.iq('get', push, xml('ping', { xmlns: 'urn:xmpp:ping' })))).toBe('result');
        expect(inShort(await alice.iq('get', push, xml('query', { xmlns: 'jabber:iq:last' })))).toBe(
          'cancel service-unavailable',
        );
        expect(
          inShort(
            await alice.iq(
              'set',
              push,
              xml('pubsub', { xmlns: pubsub }, xml('subscribe', { node, jid: 'alice@localhost' })),
            ),
          ),
        ).toBe('cancel feature-not-implemented unsupported subscribe');
      });
    });

    it('a dead token retires its node, and the server drops the registration', async () => {
      const [node, phone] = [unique('node'), unique('unregistered.phone')];
      const before = await metric('pubsub-push', 'pushmesh_feedback_total', 'decision="retire"');
      await register(node, { service: 'apns', device_id: phone });
      const bob = await logIn(1);
      await bob.message('alice@localhost', 'one');
      await expect
        .poll(() => metric('pubsub-push', 'pushmesh_feedback_total', 'decision="retire"'), patience)
        .toBe(before + 1);

      // From now on every publish to the node is refused, until the server has had enough of it.
      for (let errors = 1; errors <= dropsAfterErrors; errors += 1) {
        const seen = await publishesSeen();
        await bob.message('alice@localhost', `refused ${errors}`);
        await expect.poll(publishesSeen, patience).toBe(seen + 1);
      }
      const seen = await publishesSeen();
      await bob.message('alice@localhost', 'dropped');
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      expect(await publishesSeen()).toBe(seen);
      expect(
        await metric('gateway', 'pushmesh_stanzas_total', 'request="publish"', 'answer="item-not-found"'),
      ).toBeGreaterThanOrEqual(dropsAfterErrors);

      // A new token on the same node brings it back to life.
      await asAlice(async (alice) => {
        expect(inShort(await alice.iq('set', push, createNode(node)))).toBe('result');
      });
    });

    it('while the push service is out, nothing is lost and no registration dies; everything arrives when it is well again', async () => {
      const [node, phone] = [unique('node'), unique('phone')];
      await register(node, { service: 'fcm', device_id: phone });
      const fault = `${mesh.endpoints.pushService}/sandbox/fault`;
      await fetch(fault, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ answer: 'unavailable.1' }),
      });
      const bob = await logIn(1);
      const texts = Array.from({ length: 12 }, (_, index) => `message ${index}`);
      for (const text of texts) await bob.message('alice@localhost', text);
      await expect
        .poll(() => metric('dispatcher', 'pushmesh_circuit_state', 'push_service="fcm"', 'mode="prod"'), patience)
        .toBeGreaterThan(0);
      await fetch(fault, { method: 'DELETE' });
      await expect
        .poll(
          async () => (await notificationsOf(mesh.endpoints.pushService, phone)).map(({ body }) => body).toSorted(),
          patience,
        )
        .toEqual(texts.toSorted());
      await bob.message('alice@localhost', 'and still registered');
      await waitForPush(mesh.endpoints.pushService, phone, texts.length + 1);
      await disableAll();
    });

    it(
      'killed one after the other under traffic, no service loses an accepted push',
      { timeout: 120_000 },
      async () => {
        const [node, phone] = [unique('node'), unique('phone')];
        const alice = await logIn(0);
        await alice.iq('set', push, createNode(node));
        const accepted: string[] = [];
        const refused: string[] = [];
        let stop = false;
        const traffic = (async () => {
          for (let n = 0; !stop; n += 1) {
            const pushed = publish(node, [item(notification(`push ${n}`))], { service: 'fcm', device_id: phone });
            const reply = await alice.iq('set', push, pushed);
            if (inShort(reply) === 'result')
              accepted.push(idOf(reply, node, `push ${n}`, { service: 'fcm', device_id: phone }));
            else refused.push(inShort(reply));
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        })();
        for (const name of ['dispatcher', 'pubsub-push', 'push-service'] as const) {
          const soFar = accepted.length;
          await expect.poll(() => accepted.length, patience).toBeGreaterThan(soFar + 5);
          await mesh.services[name].kill();
          await mesh.services[name].restart();
        }
        for (const name of ['redis', 'nats'] as const) {
          const soFar = accepted.length;
          await expect.poll(() => accepted.length, patience).toBeGreaterThan(soFar + 5);
          await mesh.servers[name].kill();
          await mesh.servers[name].restart();
        }
        const soFar = accepted.length;
        await expect.poll(() => accepted.length, patience).toBeGreaterThan(soFar + 5);
        stop = true;
        await traffic;

        // Trouble of ours is `wait` and nothing else: a registration survives it on every server.
        expect(refused.filter((answer) => answer !== 'wait internal-server-error')).toEqual([]);
        // What a killed dispatcher had taken comes again after its ack wait.
        await expect
          .poll(
            async () => {
              const ends = await readEnds(mesh.endpoints.nats);
              return accepted.filter((id) => ends.get(id) !== 'delivered');
            },
            { timeout: 60_000, interval: 500 },
          )
          .toEqual([]);
      },
    );

    it(
      'two gateways: one is killed under traffic, the other goes on, and nothing accepted is lost',
      { timeout: 120_000 },
      async () => {
        const [node, phone] = [unique('node'), unique('phone')];
        const alice = await logIn(0);
        await alice.iq('set', push, createNode(node));
        const second = await mesh.replicate('gateway');
        const accepted: string[] = [];
        let stop = false;
        const traffic = (async () => {
          for (let n = 0; !stop; n += 1) {
            const pushed = publish(node, [item(notification(`push ${n}`))], { service: 'fcm', device_id: phone });
            // What was with the killed gateway gets no answer; the other publishes must not wait for that.
            void alice.iq('set', push, pushed).then(
              (reply) =>
                inShort(reply) === 'result' &&
                accepted.push(idOf(reply, node, `push ${n}`, { service: 'fcm', device_id: phone })),
              () => {},
            );
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        })();
        await expect.poll(() => accepted.length, patience).toBeGreaterThan(20);
        await mesh.services.gateway.kill();
        const atKill = accepted.length;
        await expect.poll(() => accepted.length, patience).toBeGreaterThan(atKill + 20);
        await mesh.services.gateway.restart();
        await second.stop();
        const atStop = accepted.length;
        await expect.poll(() => accepted.length, patience).toBeGreaterThan(atStop + 20);
        stop = true;
        await traffic;
        const missing = async () => {
          const ends = await readEnds(mesh.endpoints.nats);
          return accepted.filter((id) => ends.get(id) !== 'delivered');
        };
        await expect.poll(missing, { timeout: 60_000, interval: 500 }).toEqual([]);
      },
    );

    it('a registration survives the death of a gateway, while another one is there', { timeout: 90_000 }, async () => {
      const [node, phone] = [unique('node'), unique('phone')];
      await register(node, { service: 'fcm', device_id: phone });
      const second = await mesh.replicate('gateway');
      const bob = await logIn(1);
      await mesh.services.gateway.kill();
      // What is published until the other one has taken over may be lost: the server does not repeat it. The registration is not.
      const text = () => `message ${randomUUID()}`;
      for (let n = 0; n < 10; n += 1) {
        await bob.message('alice@localhost', text());
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      await mesh.services.gateway.restart();
      await expect.poll(() => metric('gateway', 'pushmesh_nats_connected'), patience).toBe(1);
      const last = text();
      const arrived = async () => {
        await bob.message('alice@localhost', last);
        return (await notificationsOf(mesh.endpoints.pushService, phone)).map(({ body }) => body);
      };
      await expect.poll(arrived, { timeout: 30_000, interval: 1_000 }).toContain(last);
      await second.stop();
      await disableAll();
    });

    it('every service says what it does: live, ready, and with metrics', async () => {
      for (const { ops } of Object.values(mesh.services)) {
        expect((await fetch(`${ops}/livez`)).status).toBe(200);
        expect((await fetch(`${ops}/readyz`)).status).toBe(200);
        expect(await (await fetch(`${ops}/metrics`)).text()).toContain('nodejs_eventloop_lag_seconds');
      }
      expect(await metric('push-service', 'pushmesh_sandbox')).toBe(1);
    });
  });
};
