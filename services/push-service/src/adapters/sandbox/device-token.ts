/** What the sandbox plays: for one device, chosen by what stands before the first dot of its token, or as a fault for all. */
export type Act =
  | { readonly type: 'accept' | 'unregistered' | 'badtoken' | 'throttled' | 'unavailable' | 'reset' }
  | { readonly type: 'slow'; readonly ms: number }
  | { readonly type: 'toolarge'; readonly always: boolean };

const maxSlowMs = 60_000;

const byFirstWord: Readonly<Record<string, (rest: string) => Act>> = {
  unregistered: () => ({ type: 'unregistered' }),
  badtoken: () => ({ type: 'badtoken' }),
  throttled: () => ({ type: 'throttled' }),
  unavailable: () => ({ type: 'unavailable' }),
  reset: () => ({ type: 'reset' }),
  slow: (rest) => (/^\d+\./.test(rest) ? slow(Number.parseInt(rest, 10)) : { type: 'accept' }),
  toolarge: (rest) => ({ type: 'toolarge', always: rest.startsWith('always.') }),
};

/** `unregistered.…`, `badtoken.…`, `throttled.…`, `unavailable.…`, `reset.…`, `slow.<ms>.…`, `toolarge.…`, `toolarge.always.…` */
export const actOf = (token: string): Act => {
  const dot = token.indexOf('.');
  const word = token.slice(0, dot);
  const act = dot > 0 && Object.hasOwn(byFirstWord, word) ? byFirstWord[word] : undefined;
  return act?.(token.slice(dot + 1)) ?? { type: 'accept' };
};

/** Answers after `ms`, a minute at most. */
export const slow = (ms: number): Act => ({ type: 'slow', ms: Math.min(Math.max(ms, 0), maxSlowMs) });
