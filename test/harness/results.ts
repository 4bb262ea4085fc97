import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { readResults, streams, subjects } from '@pushmesh/contracts';
import type { Result } from '@pushmesh/contracts';

/** The recorded end of every delivery, by its id, read from the stream `PUSH_RESULTS`: no kill can lose it. */
export const readEnds = async (natsUrl: string): Promise<ReadonlyMap<string, Result['end']>> => {
  const nats = await connect({ servers: natsUrl });
  try {
    const consumer = await jetstream(nats).consumers.get(streams.results.name);
    const ends = new Map<string, Result['end']>();
    const { num_pending } = await consumer.info();
    if (num_pending === 0) return ends;
    for await (const { data, subject } of await consumer.fetch({ max_messages: num_pending, expires: 2_000 })) {
      for (const { delivery, end } of endsOn(subject, data)) ends.set(delivery, end);
    }
    return ends;
  } finally {
    await nats.close();
  }
};

/** An end counts only on its own subject, because that is where consumers wait for it. */
const endsOn = (subject: string, data: Uint8Array): readonly Result[] => {
  const read = readResults(data);
  return read.ok ? read.value.filter(({ end }) => subjects.result(end) === subject) : [];
};
