import { messages, subjects } from '@pushmesh/contracts';
import type { Delivery, UnverifiedPublish } from '@pushmesh/contracts';
import { isStored } from '@pushmesh/bus';
import type { Bus } from '@pushmesh/bus';

type Publisher = Pick<Bus, 'publish'>;

/** Stores a delivery for its first attempt; true once JetStream has it. One that is stored again is stored once. */
export const storeDelivery = async (
  bus: Publisher,
  delivery: Delivery,
  traceparent: string | undefined,
): Promise<boolean> => {
  const subject = subjects.delivery(delivery.service, delivery.mode);
  return isStored(await bus.publish(subject, messages.delivery, delivery, { msgId: delivery.id, traceparent }));
};

/** Stores a push that pubsub-push has yet to verify; true once JetStream has it. */
export const storeUnverified = async (
  bus: Publisher,
  publish: UnverifiedPublish,
  traceparent: string | undefined,
): Promise<boolean> => {
  const how = { msgId: publish.delivery.id, traceparent };
  return isStored(await bus.publish(subjects.unverifiedPublish, messages.unverifiedPublish, publish, how));
};
