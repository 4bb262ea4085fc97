import { Worker } from 'node:worker_threads';
import type { KnownOfFakes } from '../../../../libs/fakes/src/start-fakes.ts';
import type { Fault } from '../../../../libs/fakes/src/fault.ts';
import type { PhoneSummary } from '../../../../libs/fakes/src/phones.ts';
import type { Received } from '../../../../libs/fakes/src/received.ts';

export type Bounds = {
  readonly maxPhones: number;
  /** For each phone. */
  readonly maxNotifications: number;
};

/** What may be asked of the thread, and what it answers. */
export type Question =
  | { readonly type: 'known' }
  | { readonly type: 'phones' }
  | { readonly type: 'phone'; readonly deviceId: string }
  | { readonly type: 'subscribe'; readonly deviceId: string }
  | { readonly type: 'faults' }
  | { readonly type: 'play'; readonly faults: readonly Fault[] }
  | { readonly type: 'listen'; readonly on: boolean }
  | { readonly type: 'hurry' };
export type Asked = {
  readonly known: KnownOfFakes;
  readonly phones: readonly PhoneSummary[];
  readonly phone: readonly Received[];
  /** The JSON text of a Web Push subscription. */
  readonly subscribe: string;
  readonly faults: readonly Fault[];
  readonly play: void;
  readonly listen: void;
  readonly hurry: void;
};

export type Said =
  | { readonly type: 'received'; readonly received: Received }
  | { readonly type: 'evicted'; readonly count: number }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown };

type Options = {
  readonly bounds: Bounds;
  readonly onReceived: (received: Received) => void;
  readonly onEvicted: (count: number) => void;
};

/** The thread does not answer, and why. */
export class FakesThreadError extends Error {}

type Waiting = {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: FakesThreadError) => void;
  readonly timer: NodeJS.Timeout;
};

const startMs = 20_000;
const answerMs = 5_000;

/**
 * The fakes on a thread of their own, so that they take nothing from the service that pushes to them: on one thread a push
 * costs the sum of both. What arrives stays there until somebody asks.
 *
 * @throws {FakesThreadError} when it ends, or takes too long, before the fakes are there
 */
export const startFakesThread = async ({ bounds, onReceived, onEvicted }: Options) => {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), {
    workerData: bounds,
    // Several times of what the phones may hold; `--max-old-space-size` of the process takes precedence.
    resourceLimits: { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 384 },
  });
  const waiting = new Map<number, Waiting>();
  let questions = 0;
  let failure: string | undefined;

  const settle = (id: number): Waiting | undefined => {
    const found = waiting.get(id);
    clearTimeout(found?.timer);
    waiting.delete(id);
    return found;
  };
  const ask = <Q extends Question>(question: Q, ms = answerMs): Promise<Asked[Q['type']]> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(new FakesThreadError(failure));
      questions += 1;
      const id = questions;
      const late = () => settle(id)?.reject(new FakesThreadError(`the fakes gave no answer in ${ms / 1000} s`));
      waiting.set(id, { resolve: resolve as Waiting['resolve'], reject, timer: setTimeout(late, ms) });
      worker.postMessage({ id, question });
    });
  /** The first reason is the one: an exit follows each error. */
  const end = (why: string) => {
    failure ??= why;
    for (const id of waiting.keys()) settle(id)?.reject(new FakesThreadError(failure));
  };

  worker
    .on('error', (error) => end(`the fakes crashed with ${nameOf(error)}`))
    .on('exit', (code) => end(`the thread of the fakes ended with code ${code}`))
    .on('message', (said: Said) => {
      switch (said.type) {
        case 'received':
          return onReceived(said.received);
        case 'evicted':
          return onEvicted(said.count);
        case 'answer':
          return settle(said.id)?.resolve(said.answer);
      }
    });
  const known = await ask({ type: 'known' }, startMs);

  return {
    known,
    /** Why it is of no use any more; `undefined` while it is. */
    failure: () => failure,
    /** @throws {FakesThreadError} */
    ask: <Q extends Question>(question: Q) => ask(question),
    stop: async (): Promise<void> => {
      await worker.terminate();
    },
  };
};

export type FakesThread = Awaited<ReturnType<typeof startFakesThread>>;

/** Without its message, which may quote what it stumbled on. */
const nameOf = (error: unknown): string => {
  const { code, name, stack } = error as NodeJS.ErrnoException;
  const place = stack?.split('\n').find((line) => line.startsWith('    at '));
  return `${code ?? name}${place === undefined ? '' : ` ${place.trim()}`}`;
};
