/** A collection whose entries are found by the index of their slot. */
export type Slots<T> = {
  readonly size: () => number;
  /** Puts the entry into a free slot, and returns its index. A later entry may get the same index once it is free. */
  readonly add: (entry: T) => number;
  readonly at: (index: number) => T | undefined;
  readonly free: (index: number) => void;
  /** Calls `visit` for each entry, in no particular order. `visit` may free slots. */
  readonly forEach: (visit: (entry: T, index: number) => void) => void;
};

/**
 * For entries that come and go by the thousand each second. A Map or Set allocates a new table every few hundred of them,
 * and an old table that V8 has promoted to old space keeps its successor alive, with everything that was in it: nearly
 * everything that a message allocated survived until the next full collection.
 */
export const createSlots = <T>(): Slots<T> => {
  const slots: (T | undefined)[] = [];
  const empty: number[] = [];
  return {
    size: () => slots.length - empty.length,
    add: (entry) => {
      const index = empty.pop() ?? slots.length;
      slots[index] = entry;
      return index;
    },
    at: (index) => slots[index],
    free: (index) => {
      if (slots[index] === undefined) return;
      slots[index] = undefined;
      empty.push(index);
    },
    forEach: (visit) => {
      slots.forEach((entry, index) => {
        if (entry !== undefined) visit(entry, index);
      });
    },
  };
};
