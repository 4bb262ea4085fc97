type Batch<T, R> = { readonly items: T[]; readonly outcome: Promise<R> };

/**
 * Gathers items into batches of at most `maxItems`. Under load the message around an item costs both sides more than the
 * item itself.
 *
 * `send` is called when a batch opens. It decides when the batch leaves, usually at the end of this turn of the event
 * loop, and calls `take` at that moment; items join the batch until then. The returned function adds one item,
 * and resolves with the outcome of its batch and the item's index in it. It rejects if `send` does.
 */
export const createBatcher = <T, R>(maxItems: number, send: (take: () => readonly T[]) => Promise<R>) => {
  /** The batch that has not left yet. */
  let open: Batch<T, R> | undefined;

  const openBatch = (): Batch<T, R> => {
    const items: T[] = [];
    const close = (): void => {
      if (open?.items === items) open = undefined;
    };
    const take = (): readonly T[] => {
      close();
      return items;
    };
    // `send` may end without calling `take`; the batch accepts nothing more then, either.
    const batch = { items, outcome: send(take).finally(close) };
    open = batch;
    return batch;
  };

  return async (item: T): Promise<{ readonly index: number; readonly outcome: R }> => {
    const batch = open && open.items.length < maxItems ? open : openBatch();
    const index = batch.items.push(item) - 1;
    return { index, outcome: await batch.outcome };
  };
};
