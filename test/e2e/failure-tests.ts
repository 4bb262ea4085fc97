import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createNode } from '../../deploy/local/guide.ts';
import { readEnds } from '../harness/results.ts';
import type { MeshFixture } from './mesh-fixture.ts';
import { answerOf, deliveryIdOf, item, notification, publish, push } from './stanzas.ts';

const patience = { timeout: 20_000, interval: 50 };

/** Dead tokens, outages and killed processes; and that the mesh is healthy after all of it. */
export const describeFailures = (fixture: MeshFixture): void => {
  const { mesh, logIn, asAlice, register, disableAll, unique, dropsAfterErrors } = fixture;
  const { metric, publishesSeen, waitForPush, notificationsOf } = fixture;

  describe('failures', () => {
    it('a dead token retires its node, and the server drops the registration', async () => {
      const [node, phone] = [unique('node'), unique('unregistered.phone')];
      const retired = () => metric('pubsub-push', 'pushmesh_feedback_total', 'decision="retire"');
      const before = await retired();
      await register(node, { service: 'apns', device_id: phone });
      const bob = await logIn(1);
      await bob.message('alice@localhost', 'one');
      await expect.poll(retired, patience).toBe(before + 1);

      // From now on every publish to the node is refused, until the server drops the registration.
      for (let errors = 1; errors <= dropsAfterErrors; errors += 1) {
        const seen = await publishesSeen();
        await bob.message('alice@localhost', `refused ${errors}`);
        await expect.poll(publishesSeen, patience).toBe(seen + 1);
      }
      const seen = await publishesSeen();
      await bob.message('alice@localhost', 'dropped');
      await sleep(2_000);
      expect(await publishesSeen()).toBe(seen);
      expect(
        await metric('gateway', 'pushmesh_stanzas_total', 'request="publish"', 'answer="item-not-found"'),
      ).toBeGreaterThanOrEqual(dropsAfterErrors);

      // Creating the node again, for a new token, revives it.
      await asAlice(async (alice) => {
        expect(answerOf(await alice.iq('set', push, createNode(node)))).toBe('result');
      });
    });

    it('an outage of the push service loses no push and no registration; everything arrives afterwards', async () => {
      const [node, phone] = [unique('node'), unique('phone')];
      await register(node, { service: 'fcm', device_id: phone });
      const fault = `${mesh().endpoints.pushService}/sandbox/fault`;
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
      const arrived = async () => (await notificationsOf(phone)).map(({ body }) => body).toSorted();
      await expect.poll(arrived, patience).toEqual(texts.toSorted());
      await bob.message('alice@localhost', 'and still registered');
      await waitForPush(phone, texts.length + 1);
      await disableAll();
    });

    it('killing services and servers in turn under traffic loses no accepted push', { timeout: 120_000 }, async () => {
      const publishing = await startPublishing(fixture, { waitForAnswers: true });
      for (const name of ['dispatcher', 'pubsub-push', 'push-service'] as const) {
        await publishing.expectMore(5);
        await mesh().services[name].kill();
        await mesh().services[name].restart();
      }
      for (const name of ['redis', 'nats'] as const) {
        await publishing.expectMore(5);
        await mesh().servers[name].kill();
        await mesh().servers[name].restart();
      }
      await publishing.expectMore(5);
      await publishing.stop();

      // Internal failures are answered `wait` and nothing else: no server drops a registration for that.
      expect(publishing.refused.filter((answer) => answer !== 'wait internal-server-error')).toEqual([]);
      // What a killed dispatcher had in flight is redelivered after its ack wait.
      await expectDelivered(fixture, publishing.accepted);
    });

    it(
      'of two gateways, one is killed under traffic: the other takes over, and no accepted push is lost',
      {
        timeout: 120_000,
      },
      async () => {
        const second = await mesh().replicate('gateway');
        const publishing = await startPublishing(fixture, { waitForAnswers: false });
        await publishing.expectMore(20);
        await mesh().services.gateway.kill();
        await publishing.expectMore(20);
        await mesh().services.gateway.restart();
        await second.stop();
        await publishing.expectMore(20);
        await publishing.stop();
        await expectDelivered(fixture, publishing.accepted);
      },
    );

    it('a registration survives the kill of a gateway while another one is running', { timeout: 90_000 }, async () => {
      const [node, phone] = [unique('node'), unique('phone')];
      await register(node, { service: 'fcm', device_id: phone });
      const second = await mesh().replicate('gateway');
      const bob = await logIn(1);
      await mesh().services.gateway.kill();
      // A publish may be lost until the other gateway has taken over, because the server does not repeat it.
      const text = () => `message ${randomUUID()}`;
      for (let n = 0; n < 10; n += 1) {
        await bob.message('alice@localhost', text());
        await sleep(200);
      }
      await mesh().services.gateway.restart();
      await expect.poll(() => metric('gateway', 'pushmesh_nats_connected'), patience).toBe(1);
      const last = text();
      const arrived = async () => {
        await bob.message('alice@localhost', last);
        return (await notificationsOf(phone)).map(({ body }) => body);
      };
      await expect.poll(arrived, { timeout: 30_000, interval: 1_000 }).toContain(last);
      await second.stop();
      await disableAll();
    });

    it('afterwards every service is live and ready, and has metrics', async () => {
      for (const { ops } of Object.values(mesh().services)) {
        expect((await fetch(`${ops}/livez`)).status).toBe(200);
        expect((await fetch(`${ops}/readyz`)).status).toBe(200);
        expect(await (await fetch(`${ops}/metrics`)).text()).toContain('nodejs_eventloop_lag_seconds');
      }
      expect(await metric('push-service', 'pushmesh_sandbox')).toBe(1);
    });
  });
};

/**
 * Alice publishes to a node of her own every 20 ms.
 * @param waitForAnswers whether each publish waits for the answer to the previous one: a killed gateway leaves some unanswered
 */
const startPublishing = async (
  { logIn, unique }: MeshFixture,
  { waitForAnswers }: { readonly waitForAnswers: boolean },
) => {
  const node = unique('node');
  const options = { service: 'fcm', device_id: unique('phone') };
  const alice = await logIn(0);
  await alice.iq('set', push, createNode(node));
  /** The ids of the deliveries. */
  const accepted: string[] = [];
  const refused: string[] = [];
  const publishOne = async (text: string): Promise<void> => {
    const reply = await alice.iq('set', push, publish(node, [item(notification(text))], options));
    if (answerOf(reply) === 'result') accepted.push(deliveryIdOf(reply, node, text, options));
    else refused.push(answerOf(reply));
  };
  let stopped = false;
  const publishing = (async () => {
    for (let n = 0; !stopped; n += 1) {
      const answered = publishOne(`push ${n}`);
      if (waitForAnswers) await answered;
      else answered.catch(() => {});
      await sleep(20);
    }
  })();
  return {
    accepted,
    refused,
    /** Waits until more than `count` further publishes have been accepted. */
    expectMore: async (count: number): Promise<void> => {
      const soFar = accepted.length;
      await expect.poll(() => accepted.length, patience).toBeGreaterThan(soFar + count);
    },
    stop: (): Promise<void> => {
      stopped = true;
      return publishing;
    },
  };
};

const expectDelivered = async ({ mesh }: MeshFixture, deliveries: readonly string[]): Promise<void> => {
  const undelivered = async () => {
    const ends = await readEnds(mesh().endpoints.nats);
    return deliveries.filter((id) => ends.get(id) !== 'delivered');
  };
  await expect.poll(undelivered, { timeout: 60_000, interval: 500 }).toEqual([]);
};
