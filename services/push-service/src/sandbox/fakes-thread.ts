import { Worker } from 'node:worker_threads';
// Types only: the thread loads the fakes, and the process that pushes to real services never needs them.
import type { Cast, ConnectionDetails, Fault, PhoneSummary, Received } from '@pushmesh/fakes';

export type Bounds = {
  readonly maxPhones: number;
  /** Per phone. */
  readonly maxNotifications: number;
};

/** A request to the thread. */
export type Question =
  | { readonly type: 'connection-details' }
  | { readonly type: 'phones' }
  | { readonly type: 'phone'; readonly deviceId: string }
  | { readonly type: 'mistake'; readonly deviceId: string }
  | { readonly type: 'subscribe'; readonly deviceId: string }
  | { readonly type: 'faults' }
  | { readonly type: 'read-fault'; readonly body: unknown }
  | { readonly type: 'set-faults'; readonly faults: readonly Fault[] }
  | { readonly type: 'listen'; readonly on: boolean }
  | { readonly type: 'end-delays' };

/** What the thread answers to each. */
export type Answers = {
  readonly 'connection-details': ConnectionDetails;
  readonly phones: readonly PhoneSummary[];
  readonly phone: readonly Received[];
  /** Why the prefix of the token is invalid; `undefined` for a valid token. */
  readonly mistake: string | undefined;
  /** The JSON text of a Web Push subscription. */
  readonly subscribe: string;
  readonly faults: readonly Fault[];
  readonly 'read-fault': Cast<Fault>;
  readonly 'set-faults': void;
  readonly listen: void;
  readonly 'end-delays': void;
};

/** A message of the thread. */
export type FromThread =
  | { readonly type: 'received'; readonly received: Received }
  | { readonly type: 'evicted'; readonly count: number }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown };

type Options = {
  readonly bounds: Bounds;
  readonly onReceived: (received: Received) => void;
  readonly onEvicted: (count: number) => void;
};

/** The thread does not answer; the message says why. */
export class FakesThreadError extends Error {}

type Waiting = {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: FakesThreadError) => void;
  readonly timer: NodeJS.Timeout;
};

const startMs = 20_000;
const answerMs = 5_000;

/**
 * Runs the fakes in a thread of their own, so that they take no time from the service that pushes to them. What arrives
 * stays in the thread until it is asked for.
 *
 * @throws {FakesThreadError} if the thread ends, or takes too long, before the fakes listen
 */
export const startFakesThread = async ({ bounds, onReceived, onEvicted }: Options) => {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), {
    workerData: bounds,
    // Several times what the phones may hold. `--max-old-space-size` of the process takes precedence.
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
  const ask = <Q extends Question>(question: Q, ms = answerMs): Promise<Answers[Q['type']]> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(new FakesThreadError(failure));
      questions += 1;
      const id = questions;
      const late = () => settle(id)?.reject(new FakesThreadError(`the fakes gave no answer in ${ms / 1000} s`));
      waiting.set(id, { resolve: resolve as Waiting['resolve'], reject, timer: setTimeout(late, ms) });
      worker.postMessage({ id, question });
    });
  /** Keeps the first reason, because an exit follows each error. */
  const end = (why: string) => {
    failure ??= why;
    for (const id of waiting.keys()) settle(id)?.reject(new FakesThreadError(failure));
  };

  worker
    .on('error', (error) => end(`the fakes crashed with ${nameOf(error)}`))
    .on('exit', (code) => end(`the thread of the fakes ended with code ${code}`))
    .on('message', (message: FromThread) => {
      switch (message.type) {
        case 'received':
          return onReceived(message.received);
        case 'evicted':
          return onEvicted(message.count);
        case 'answer':
          return settle(message.id)?.resolve(message.answer);
      }
    });
  const connectionDetails = await ask({ type: 'connection-details' }, startMs);

  return {
    connectionDetails,
    /** Why the thread can no longer be used; `undefined` while it can. */
    failure: () => failure,
    /** @throws {FakesThreadError} */
    ask: <Q extends Question>(question: Q) => ask(question),
    stop: async (): Promise<void> => {
      await worker.terminate();
    },
  };
};

export type FakesThread = Awaited<ReturnType<typeof startFakesThread>>;

/** Without the message, which may quote a device token or a text. */
const nameOf = (error: unknown): string => {
  const { code, name, stack } = error as NodeJS.ErrnoException;
  const place = stack?.split('\n').find((line) => line.startsWith('    at '));
  return `${code ?? name}${place === undefined ? '' : ` ${place.trim()}`}`;
};
