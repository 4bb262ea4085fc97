import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { messages, streams } from '@pushmesh/contracts';
import type { Result } from '@pushmesh/contracts';

/** Ids of the deliveries whose recorded end is as asked for: what `PUSH_RESULTS` says, whoever was killed meanwhile. */
export const readResults = async (
  natsUrl: string,
  wanted: (result: Result) => boolean,
): Promise<ReadonlySet<string>> => {
  const nats = await connect({ servers: natsUrl });
  try {
    const consumer = await jetstream(nats).consumers.get(streams.results.name);
    const ids = new Set<string>();
    const { num_pending } = await consumer.info();
    if (num_pending === 0) return ids;
    const results = await consumer.fetch({ max_messages: num_pending, expires: 2_000 });
    for await (const message of results) {
      const decoded = messages.result.decode(message.data);
      if (decoded.ok && wanted(decoded.value)) ids.add(decoded.value.delivery);
    }
    return ids;
  } finally {
    await nats.close();
  }
};
