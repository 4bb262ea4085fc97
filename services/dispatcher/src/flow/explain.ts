import type { LookedBack, Reader } from '@pushmesh/bus';
import { messages, readResults, streams } from '@pushmesh/contracts';
import type { Decoded } from '@pushmesh/contracts';
import { explain, isAbout, newest } from '../domain/explain.ts';
import type { Found, Reading } from '../domain/explain.ts';

type Ports = {
  readonly reader: Pick<Reader, 'lookBack'>;
  readonly clock: () => number;
  /** Milliseconds for each stream. */
  readonly withinMs: number;
  /** The NATS that is read, for the text. */
  readonly place: string;
};

/** The most messages that are kept: a node may have had any number of pushes. */
const maxFound = 1_000;

/** Searches the streams for a push node or a delivery, and says what became of its pushes. */
export const createExplain =
  ({ reader, clock, withinMs, place }: Ports) =>
  async (word: string): Promise<{ readonly isFound: boolean; readonly text: string }> => {
    let found: Found[] = [];
    // In the order in which a push moves, so that one that moves meanwhile is not missed.
    const readings = {
      events: await look('events'),
      deliveries: await look('deliveries'),
      parked: await look('parked'),
      results: await look('results'),
    };
    return { isFound: found.length > 0, text: explain({ word, found, readings, place, now: clock() }) };

    async function look(stream: keyof typeof streams): Promise<Reading> {
      // As JSON.stringify writes it: only a message that contains it is worth parsing.
      const needle = JSON.stringify(word);
      let unreadable = 0;
      const onMessage = (data: Uint8Array, seq: number): void => {
        if (!Buffer.from(data.buffer, data.byteOffset, data.byteLength).includes(needle)) return;
        const decoded = toFound[stream](data, seq);
        if (!decoded.ok) unreadable += 1;
        else for (const one of decoded.value) if (isAbout(one, word)) keep(one);
      };
      const looked: LookedBack = await reader.lookBack(streams[stream], { withinMs, onMessage });
      return { ...looked, unreadable };
    }

    function keep(one: Found): void {
      found.push(one);
      if (found.length > 2 * maxFound) found = newest(found, maxFound);
    }
  };

const map = <A, B>(decoded: Decoded<A>, to: (value: A) => B): Decoded<B> =>
  decoded.ok ? { ok: true, value: to(decoded.value) } : decoded;

/** What a message of each stream says. */
const toFound: Readonly<Record<keyof typeof streams, (data: Uint8Array, seq: number) => Decoded<readonly Found[]>>> = {
  events: (data) => map(messages.unverifiedPublish.decode(data), ({ delivery }) => [{ type: 'unverified', delivery }]),
  deliveries: (data) => map(messages.delivery.decode(data), (delivery) => [{ type: 'waiting', delivery }]),
  parked: (data, seq) => map(messages.parked.decode(data), ({ result }) => [{ type: 'parked', result, seq }]),
  results: (data) => map(readResults(data), (results) => results.map((result) => ({ type: 'ended', result }))),
};
