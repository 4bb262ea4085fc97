import CircuitBreaker from 'opossum';

export type CircuitState = 'closed' | 'half-open' | 'open';

export type CircuitOptions = {
  readonly name: string;
  /** Calls within the window before the circuit can open. */
  readonly volume: number;
  readonly errorPercent: number;
  /** Milliseconds from open to half open. */
  readonly resetMs: number;
  readonly onState: (state: CircuitState) => void;
};

/** Thrown inside the circuit to tell it of a failure that counts; the value travels with it. */
class Failure<T> extends Error {
  readonly value: T;
  constructor(value: T) {
    super('the call failed');
    this.value = value;
  }
}

const windowMs = 10_000;

/**
 * A circuit around calls that answer in values. `failed` says which values count as failures; a throw is a bug, passes
 * through and does not count. With the circuit open the answer is `whenOpen`, and no call is made. opossum’s own timeout is
 * off: the HTTP client has one that really ends the request.
 */
export const createCircuit = <A extends unknown[], T>(
  call: (...args: A) => Promise<T>,
  failed: (value: T) => boolean,
  whenOpen: T,
  { name, volume, errorPercent, resetMs, onState }: CircuitOptions,
) => {
  const breaker = new CircuitBreaker<A, T>(
    async (...args: A): Promise<T> => {
      const value = await call(...args);
      if (failed(value)) throw new Failure(value);
      return value;
    },
    {
      name,
      timeout: false,
      volumeThreshold: volume,
      errorThresholdPercentage: errorPercent,
      resetTimeout: resetMs,
      rollingCountTimeout: windowMs,
      // Statistics that nobody reads: every second it would sort the latencies of all calls of the window.
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      errorFilter: (error: unknown) => !(error instanceof Failure),
    },
  );
  breaker.on('open', () => onState('open'));
  breaker.on('halfOpen', () => onState('half-open'));
  breaker.on('close', () => onState('closed'));

  return {
    call: async (...args: A): Promise<T> => {
      try {
        return await breaker.fire(...args);
      } catch (error) {
        if (error instanceof Failure) return error.value as T;
        if ((error as { code?: string }).code === 'EOPENBREAKER') return whenOpen;
        throw error;
      }
    },
    shutdown: () => breaker.shutdown(),
  };
};
