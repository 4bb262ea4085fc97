import type { LookedBack, Reader } from '@pushmesh/bus';
import { messages, streams } from '@pushmesh/contracts';
import type { Decoded, Stream } from '@pushmesh/contracts';
import { explain, isAbout, newest } from '../domain/explain.ts';
import type { Found, Reading } from '../domain/explain.ts';

type Ports = {
  readonly reader: Pick<Reader, 'lookBack'>;
  readonly clock: () => number;
  /** Milliseconds for each stream. */
  readonly withinMs: number;
  /** Where the reader reads, in words. */
  readonly place: string;
};

/** The most messages that are kept: a node may have had any number of pushes. */
const maxFound = 1_000;

/** Reads the streams for a push node or a delivery, and says what became of its pushes. */
export const createExplain =
  ({ reader, clock, withinMs, place }: Ports) =>
  async (word: string): Promise<{ readonly isFound: boolean; readonly text: string }> => {
    let found: Found[] = [];
    const readings: Reading[] = [];
    // In the order in which a push moves on, so that none is missed that does so meanwhile.
    for (const { stream, toFound } of sources) {
      const reading = await look(stream, toFound);
      readings.push(reading);
    }
    return { isFound: found.length > 0, text: explain({ word, found, readings, place, now: clock() }) };

    async function look(stream: Stream, toFound: Source['toFound']): Promise<Reading> {
      // As JSON.stringify writes it: only what has it somewhere is worth being parsed.
      const needle = JSON.stringify(word);
      let unreadable = 0;
      const onMessage = (data: Uint8Array, seq: number): void => {
        if (!Buffer.from(data.buffer, data.byteOffset, data.byteLength).includes(needle)) return;
        const decoded = toFound(data, seq);
        if (!decoded.ok) unreadable += 1;
        else if (isAbout(decoded.value, word)) keep(decoded.value);
      };
      const looked: LookedBack = await reader.lookBack(stream, { withinMs, onMessage });
      return { ...looked, unreadable };
    }

    function keep(one: Found): void {
      found.push(one);
      if (found.length > 2 * maxFound) found = newest(found, maxFound);
    }
  };

type Source = { readonly stream: Stream; readonly toFound: (data: Uint8Array, seq: number) => Decoded<Found> };

const map = <A, B>(decoded: Decoded<A>, to: (value: A) => B): Decoded<B> =>
  decoded.ok ? { ok: true, value: to(decoded.value) } : decoded;

const sources: readonly Source[] = [
  {
    stream: streams.events,
    toFound: (data) =>
      map(messages.unverifiedPublish.decode(data), ({ delivery }) => ({ type: 'unverified', delivery })),
  },
  {
    stream: streams.deliveries,
    toFound: (data) => map(messages.delivery.decode(data), (delivery) => ({ type: 'waiting', delivery })),
  },
  {
    stream: streams.parked,
    toFound: (data, seq) => map(messages.parked.decode(data), ({ result }) => ({ type: 'parked', result, seq })),
  },
  {
    stream: streams.results,
    toFound: (data) => map(messages.result.decode(data), (result) => ({ type: 'ended', result })),
  },
];
