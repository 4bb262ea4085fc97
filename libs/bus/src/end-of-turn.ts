type Sending = { readonly send: () => void; readonly failed: (error: unknown) => void };

let waiting: Sending[] = [];

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

/**
 * Sends at the end of this turn of the event loop, together with all that others send in it. What the client is given in
 * one go leaves in one piece; piece by piece, waking the NATS server costs more than the messages themselves.
 */
export const atEndOfTurn = (send: () => void, failed: (error: unknown) => void): void => {
  if (waiting.length === 0) setImmediate(sendAll);
  waiting.push({ send, failed });
};

/** Resolves when everything that was to be sent in this turn has been given to the client. */
export const endOfTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
