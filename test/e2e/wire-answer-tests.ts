import { xml } from '@xmpp/client';
import type { Element } from 'ltx';
import { describe, expect, it } from 'vitest';
import type { Client } from '../../deploy/local/client.ts';
import { createNode, deleteNode, disable, enable, setAffiliation } from '../../deploy/local/guide.ts';
import type { MeshFixture } from './mesh-fixture.ts';
import { answerOf, configure, item, notification, owner, publish, pubsub, push } from './stanzas.ts';

/** Every answer that a client can get, on the wire. */
export const describeWireAnswers = (fixture: MeshFixture): void => {
  const { logIn, unique, notificationsOf, waitForPush } = fixture;
  describe('answers on the wire', () => {
    it('create', async () => {
      const [alice, bob] = [await logIn(0), await logIn(1)];
      const node = unique('node');
      const created = await alice.iq('set', push, createNode(node));
      expect(created.getChild('pubsub', pubsub)?.getChild('create')?.attrs['node']).toBe(node);
      const create = async (client: Client, ...children: Element[]) =>
        answerOf(await client.iq('set', push, xml('pubsub', { xmlns: pubsub }, ...children)));
      const withConfiguration = (name: string, value: string) => [
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
      expect(await create(alice, ...withConfiguration('pubsub#publish_model', 'open'))).toBe('result');
      expect(await create(alice, ...withConfiguration('pubsub#access_model', 'open'))).toBe(
        'modify not-acceptable unsupported-access-model',
      );
    });

    it('delete', async () => {
      const [alice, bob] = [await logIn(0), await logIn(1)];
      const node = unique('node');
      await alice.iq('set', push, createNode(node));
      expect(answerOf(await bob.iq('set', push, deleteNode(node)))).toBe('auth forbidden');
      expect(answerOf(await alice.iq('set', push, deleteNode(unique('node'))))).toBe('cancel item-not-found');
      expect(answerOf(await alice.iq('set', push, deleteNode('')))).toBe('cancel not-allowed');
      expect(answerOf(await alice.iq('set', push, deleteNode(node)))).toBe('result');
      const gone = publish(node, [item(notification())], { service: 'fcm', device_id: unique('phone') });
      expect(answerOf(await alice.iq('set', push, gone))).toBe('cancel item-not-found');
    });

    it('affiliations', async () => {
      const [alice, bob] = [await logIn(0), await logIn(1)];
      const [node, phone] = [unique('node'), unique('phone')];
      await alice.iq('set', push, createNode(node));
      const set = async (client: Client, jid: string, affiliation: string, name = node) =>
        answerOf(await client.iq('set', push, setAffiliation(name, jid, affiliation)));
      const get = (client: Client) => client.iq('get', push, owner(xml('affiliations', { node })));
      const listed = (reply: Element) =>
        reply
          .getChild('pubsub', `${pubsub}#owner`)
          ?.getChild('affiliations')
          ?.getChildren('affiliation')
          .map(({ attrs }) => `${attrs['jid']} ${attrs['affiliation']}`);
      const bobPublishes = async () =>
        answerOf(
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
      expect(await waitForPush(phone, 1)).toMatchObject({ body: 'by bob' });

      expect(answerOf(await get(bob))).toBe('auth forbidden');
      expect(await set(bob, 'bob@localhost', 'owner')).toBe('auth forbidden');
      expect(await set(alice, 'bob@localhost', 'none')).toBe('result');
      expect(await bobPublishes()).toBe('auth forbidden');
      expect(await set(alice, 'bob@localhost', 'friend')).toBe('modify bad-request');
      expect(await set(alice, '@@', 'owner')).toBe('modify bad-request');
      expect(await set(alice, 'localhost', 'publish-only', unique('node'))).toBe('cancel item-not-found');
      const last = await alice.iq('set', push, setAffiliation(node, 'alice@localhost', 'none'));
      expect(answerOf(last)).toBe('modify not-acceptable');
      expect(listed(last)).toEqual(['alice@localhost owner']);
    });

    it('configure', async () => {
      const [alice, bob] = [await logIn(0), await logIn(1)];
      const [node, phone] = [unique('node'), unique('phone')];
      await alice.iq('set', push, createNode(node));
      const set = async (client: Client, fields: Record<string, string>, name = node) =>
        answerOf(await client.iq('set', push, configure(name, fields)));
      const get = (client: Client) => client.iq('get', push, owner(xml('configure', { node })));
      const bobPublishes = async (more = {}) =>
        answerOf(
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
      expect(await waitForPush(phone, 1)).toMatchObject({ body: 'open to all' });

      expect(await set(alice, { secret: 'hush' })).toBe('result');
      expect(await bobPublishes()).toBe('auth forbidden');
      expect(await bobPublishes({ secret: 'hash' })).toBe('auth forbidden');
      expect(await bobPublishes({ secret: 'hush' })).toBe('result');
      expect(await set(alice, { secret: '' })).toBe('result');
      expect(await bobPublishes()).toBe('result');

      expect(await set(alice, { 'pubsub#publish_model': 'subscribers' })).toBe('modify not-acceptable');
      expect(await set(bob, { 'pubsub#publish_model': 'open' })).toBe('auth forbidden');
      expect(answerOf(await get(bob))).toBe('auth forbidden');
      expect(await set(alice, {}, unique('node'))).toBe('cancel item-not-found');
    });

    it('publish: the checks, in their order', async () => {
      const [alice, bob] = [await logIn(0), await logIn(1)];
      const [node, phone] = [unique('node'), unique('phone')];
      await alice.iq('set', push, createNode(node));
      const options = { service: 'fcm', device_id: phone };
      const tooBig = notification();
      tooBig.append(xml('junk', { xmlns: 'urn:example' }, 'x'.repeat(60_001)));
      const entry = xml('entry', { xmlns: 'http://www.w3.org/2005/Atom' });
      const answer = async (client: Client, payload: Element) => answerOf(await client.iq('set', push, payload));
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
      expect(await notificationsOf(phone)).toEqual([]);
      expect(await answer(alice, publish(node, [item(notification('at last'))], options))).toBe('result');
      expect(await waitForPush(phone, 1)).toMatchObject({ body: 'at last' });
    });

    it('enable and disable sent to the component itself', async () => {
      const alice = await logIn(0);
      const node = unique('node');
      const answer = async (type: 'get' | 'set', payload: Element) => answerOf(await alice.iq(type, push, payload));
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

    it('disco, ping and unknown requests', async () => {
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
      expect(answerOf(await alice.iq('get', push, xml('ping', { xmlns: 'urn:xmpp:ping' })))).toBe('result');
      expect(answerOf(await alice.iq('get', push, xml('query', { xmlns: 'jabber:iq:last' })))).toBe(
        'cancel service-unavailable',
      );
      expect(
        answerOf(
          await alice.iq(
            'set',
            push,
            xml('pubsub', { xmlns: pubsub }, xml('subscribe', { node, jid: 'alice@localhost' })),
          ),
        ),
      ).toBe('cancel feature-not-implemented unsupported subscribe');
    });
  });
};
