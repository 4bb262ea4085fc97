type Options = {
  /** Milliseconds without a sign of life after which an idle peer is sent a PING. */
  readonly pingEveryMs: number;
  /** Milliseconds that the answer to a PING may take. */
  readonly pingTimeoutMs: number;
};

type Peer = {
  /** Whether it owes an answer. */
  readonly isBusy: () => boolean;
  readonly ping: (onAnswer: () => void) => void;
  readonly onSilence: () => void;
};

/** A peer that owes an answer is sent a PING after this long without a sign of life. */
const busyTurnMs = 1_000;

/**
 * Sends PINGs (RFC 9113 §6.7) when nothing else shows that the peer is there, and raises the alarm when one is not answered.
 * A NAT that has forgotten the connection reports nothing, and neither does Node 24 when a reset meets a write that is still
 * going through TLS.
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
    // If this process stalled, the answer may be waiting in the socket: read it first, then judge.
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
    /** Sends a PING now instead of at the next turn. */
    ask,
    stop: () => {
      clearInterval(turn);
      turn = undefined;
      alive();
    },
  };
};
