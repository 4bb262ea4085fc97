/** How often a dispatcher is asked. More often it would be part of what is measured. */
const everyMs = 100;

const delivered = async (ops: string): Promise<number> => {
  const text = await (await fetch(`${ops}/metrics`)).text();
  return Number(/^pushmesh_delivery_outcomes_total\{[^}]*outcome="delivered"[^}]*\} (\d+)$/m.exec(text)?.[1] ?? 0);
};

/** Counts from now on; the function that it resolves to resolves when the dispatcher has delivered `count` pushes more. */
export const countDelivered = async (ops: string): Promise<(count: number) => Promise<void>> => {
  const before = await delivered(ops);
  return async (count) => {
    while ((await delivered(ops)) < before + count) await new Promise((resolve) => setTimeout(resolve, everyMs));
  };
};
