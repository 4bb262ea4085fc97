import { describe, expect, it } from 'vitest';
import { disable } from '../../deploy/local/guide.ts';
import type { MeshFixture } from './mesh-fixture.ts';
import { answerOf, configure, push } from './stanzas.ts';

/** Registering for pushes and unregistering, as MongooseIM's "Push Notifications" guide describes it. */
export const describeRegistration = (fixture: MeshFixture): void => {
  const { logIn, asAlice, register, disableAll, unique, waitForPush, hasNoMore } = fixture;
  describe("the guide's flow", () => {
    it('after create, affiliations and enable, a message to an offline user is pushed; after disable it is not', async () => {
      const [node, phone] = [unique('princely_musings'), unique('phone')];
      await register(node, { service: 'apns', device_id: phone, mode: 'dev', click_action: 'open_chat' });
      const bob = await logIn(1);
      await bob.message('alice@localhost', 'Neither, fair saint — ü 😀 <b>&');
      expect(await waitForPush(phone, 1)).toMatchObject({
        service: 'apns',
        mode: 'dev',
        title: expect.stringMatching(/^bob@localhost(\/|$)/) as string,
        body: 'Neither, fair saint — ü 😀 <b>&',
        badge: 1,
        click_action: 'open_chat',
      });
      await asAlice(async (alice) => {
        expect(answerOf(await alice.iq('set', undefined, disable(push, node)))).toBe('result');
      });
      await bob.message('alice@localhost', 'still there?');
      expect(await hasNoMore(phone, 1)).toBe(true);
    });

    it("the guide's field name `device` works too; a silent push to FCM", async () => {
      const [node, phone] = [unique('node'), unique('phone')];
      await register(node, { service: 'fcm', device: phone, silent: 'true' });
      const bob = await logIn(1);
      await bob.message('alice@localhost', 'psst');
      const pushed = await waitForPush(phone, 1);
      expect(pushed).toMatchObject({ service: 'fcm', mode: 'prod', data: { 'last-message-body': 'psst' } });
      expect(pushed).not.toHaveProperty('title');
      await disableAll();
    });

    it('a node with a secret, which the server repeats in its publishes', async () => {
      const [node, phone] = [unique('node'), unique('phone')];
      const options = { service: 'fcm', device_id: phone };
      await register(node, { ...options, secret: 'hush' });
      await asAlice(async (alice) => {
        expect(answerOf(await alice.iq('set', push, configure(node, { secret: 'hush' })))).toBe('result');
      });
      const bob = await logIn(1);
      await bob.message('alice@localhost', 'who knows');
      expect(await waitForPush(phone, 1)).toMatchObject({ body: 'who knows' });
      await disableAll();
    });

    it('disable without a node disables every node of the service', async () => {
      const phones = [unique('phone'), unique('phone')];
      // One node for each client session: ejabberd keys its registrations by session.
      for (const phone of phones) await register(unique('node'), { service: 'fcm', device_id: phone });
      const bob = await logIn(1);
      await bob.message('alice@localhost', 'to both');
      for (const phone of phones) await waitForPush(phone, 1);
      expect(answerOf(await disableAll())).toBe('result');
      await bob.message('alice@localhost', 'to none');
      for (const phone of phones) expect(await hasNoMore(phone, 1)).toBe(true);
    });
  });
};
