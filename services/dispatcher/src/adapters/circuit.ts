import CircuitBreaker from 'opossum';

export type CircuitState = 'closed' | 'half-open' | 'open';

export type CircuitOptions = {
  readonly name: string;
  /** Calls within the window before the circuit can open. */
  readonly volume: number;
  readonly errorPercent: number;
  /** Milliseconds from open to half open. */
  readonly resetMs: number;
};

/** Thrown inside the circuit to report a failure that counts; it carries the value. */
class Failure<T> extends Error {
  readonly value: T;
  constructor(value: T) {
    super('the call failed');
    this.value = value;
  }
}

const windowMs = 10_000;

/**
 * A circuit around calls whose failures are values. `failed` says which values count as failures; a throw is a bug, passes
 * through and does not count. While the circuit is open no call is made, and the answer is `whenOpen`. opossum's own
 * timeout is off: the HTTP client has one that really ends the request.
 */
export const createCircuit = <A extends unknown[], T>(
  call: (...args: A) => Promise<T>,
  failed: (value: T) => boolean,
  whenOpen: T,
  { name, volume, errorPercent, resetMs }: CircuitOptions,
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
      // Nobody reads these statistics, and every second opossum would sort the latencies of all calls in the window.
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      errorFilter: (error: unknown) => !(error instanceof Failure),
    },
  );

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
    /** Reports every change of state; a new circuit is closed. */
    onState: (listener: (state: CircuitState) => void): void => {
      breaker.on('open', () => listener('open'));
      breaker.on('halfOpen', () => listener('half-open'));
      breaker.on('close', () => listener('closed'));
    },
    shutdown: () => breaker.shutdown(),
  };
};
