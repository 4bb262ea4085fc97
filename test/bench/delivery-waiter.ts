/** How often a dispatcher is asked. More often it would be part of what is measured. */
const everyMs = 100;
/** As long as nothing more is delivered. */
const giveUpMs = 60_000;

const delivered = async (ops: string): Promise<number> => {
  const text = await (await fetch(`${ops}/metrics`)).text();
  const counts = text.matchAll(/^pushmesh_delivery_outcomes_total\{[^}]*outcome="delivered"[^}]*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
};

/** Counts from now on; the function that it resolves to resolves when the dispatcher has delivered `count` pushes more. */
export const countDelivered = async (ops: string): Promise<(count: number) => Promise<void>> => {
  const before = await delivered(ops);
  return async (count) => {
    let last = { value: 0, at: Date.now() };
    for (;;) {
      const value = (await delivered(ops)) - before;
      if (value >= count) return;
      if (value > last.value) last = { value, at: Date.now() };
      if (Date.now() - last.at > giveUpMs)
        throw new Error(`${value} of ${count} pushes were delivered, and no more came`);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  };
};
