import { readMetric } from '../harness/metrics.ts';

/** How often the dispatcher's metrics are read. More often would distort what is measured. */
const pollMs = 100;
/** How long nothing may be delivered before the benchmark fails. */
const giveUpMs = 60_000;

/** Starts counting; the function that it resolves to waits until the dispatcher has delivered `count` more pushes. */
export const createDeliveryWaiter = async (ops: string): Promise<(count: number) => Promise<void>> => {
  const before = await readDelivered(ops);
  return async (count) => {
    let last = { value: 0, at: Date.now() };
    for (;;) {
      const value = (await readDelivered(ops)) - before;
      if (value >= count) return;
      if (value > last.value) last = { value, at: Date.now() };
      if (Date.now() - last.at > giveUpMs)
        throw new Error(`only ${value} of ${count} pushes were delivered, and none in the last ${giveUpMs / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  };
};

const readDelivered = (ops: string): Promise<number> =>
  readMetric(ops, 'pushmesh_delivery_outcomes_total', 'outcome="delivered"');
