type Options = {
  /** Milliseconds without a sign of life after which an idle peer is asked for one. */
  readonly pingEveryMs: number;
  /** Milliseconds that the answer to a PING may take. */
  readonly pingTimeoutMs: number;
};

type Peer = {
  /** Something is expected of it. */
  readonly isBusy: () => boolean;
  readonly ping: (onAnswer: () => void) => void;
  readonly onSilence: () => void;
};

/** A peer that owes an answer is asked for a sign of life when it gave none for this long. */
const busyTurnMs = 1_000;

/**
 * PINGs (RFC 9113 §6.7) when nothing else shows that the peer is there, and the alarm when one is not answered: a NAT that
 * forgot the connection says nothing, and neither does Node 24 when a reset meets a write that is on its way through TLS.
 */
export const createWatchdog = ({ pingEveryMs, pingTimeoutMs }: Options, { isBusy, ping, onSilence }: Peer) => {
  const turnMs = Math.min(busyTurnMs, pingEveryMs);
  let turn: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;
  /** Whole turns since the last sign of life, in milliseconds. */
  let quietMs = 0;

  const alive = () => {
    quietMs = 0;
    clearTimeout(deadline);
    deadline = undefined;
  };
  const ask = () => {
    if (!turn || deadline) return;
    // After our own stall the answer may be waiting in the socket: read it first, then judge.
    deadline = setTimeout(() => setImmediate(() => deadline && onSilence()), pingTimeoutMs).unref();
    ping(alive);
  };
  return {
    start: () => {
      turn = setInterval(() => {
        if (quietMs >= pingEveryMs || (quietMs > 0 && isBusy())) ask();
        quietMs += turnMs;
      }, turnMs).unref();
    },
    alive,
    /** Asks now instead of at the next turn. */
    ask,
    stop: () => {
      clearInterval(turn);
      turn = undefined;
      alive();
    },
  };
};
