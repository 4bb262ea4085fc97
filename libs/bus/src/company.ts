/** What travels in one message, and what came of it. */
type Batch<T, R> = { readonly items: T[]; readonly outcome: Promise<R> };

/**
 * Puts what is given in the same turn of the event loop into one message, up to `most`: under load the message around it
 * costs both sides more than what is in it. `send` takes the items when the message leaves; none joins it from then on.
 */
export const createCompany = <T, R>(most: number, send: (leave: () => readonly T[]) => Promise<R>) => {
  /** The message that has not left yet. */
  let open: Batch<T, R> | undefined;

  const openBatch = (): Batch<T, R> => {
    const items: T[] = [];
    const close = (): void => {
      if (open?.items === items) open = undefined;
    };
    const leave = (): readonly T[] => {
      close();
      return items;
    };
    // One that ends without having left takes nothing more, either.
    const batch = { items, outcome: send(leave).finally(close) };
    open = batch;
    return batch;
  };

  /** What came of the message that the item went with, and its place there. */
  return async (item: T): Promise<{ readonly place: number; readonly outcome: R }> => {
    const batch = open && open.items.length < most ? open : openBatch();
    const place = batch.items.push(item) - 1;
    return { place, outcome: await batch.outcome };
  };
};
