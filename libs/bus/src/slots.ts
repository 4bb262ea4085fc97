/** What is under way, each thing under the number of its place. */
export type Slots<T> = {
  readonly size: () => number;
  /** The place that the thing got; the next may get it when it is free again. */
  readonly add: (thing: T) => number;
  readonly at: (place: number) => T | undefined;
  readonly free: (place: number) => void;
  /** Those that are there now, in no order. */
  readonly all: () => readonly T[];
};

/**
 * For things that come and go by the thousand each second. A Map or Set makes a new table for itself every few hundred of
 * them, and an old table that V8 has moved to its old space goes on holding its successor and all that was in it: nearly
 * everything that a message allocated outlived it until the next full collection.
 */
export const createSlots = <T>(): Slots<T> => {
  const places: (T | undefined)[] = [];
  const empty: number[] = [];
  return {
    size: () => places.length - empty.length,
    add: (thing) => {
      const place = empty.pop() ?? places.length;
      places[place] = thing;
      return place;
    },
    at: (place) => places[place],
    free: (place) => {
      if (places[place] === undefined) return;
      places[place] = undefined;
      empty.push(place);
    },
    all: () => places.filter((thing) => thing !== undefined),
  };
};
