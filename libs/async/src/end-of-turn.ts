type Sending = { readonly send: () => void; readonly failed: (error: unknown) => void };

/** What leaves at the end of this turn, in the order in which it was given. */
let waiting: Sending[] = [];

/**
 * Calls `send` at the end of this turn of the event loop, together with everything else that is sent in it, so that it
 * leaves in one write. With a write for each message, waking the other side costs more than the messages themselves.
 * `failed` is called if `send` throws.
 */
export const atEndOfTurn = (send: () => void, failed: (error: unknown) => void): void => {
  if (waiting.length === 0) setImmediate(sendAll);
  waiting.push({ send, failed });
};

/** Resolves at the end of this turn of the event loop, after everything that {@link atEndOfTurn} was given before. */
export const endOfTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const sendAll = (): void => {
  const sendings = waiting;
  waiting = [];
  for (const { send, failed } of sendings) {
    try {
      send();
    } catch (error) {
      failed(error);
    }
  }
};
