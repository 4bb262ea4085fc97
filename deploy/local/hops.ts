import type { Endpoints } from './mesh.ts';
import { serviceNames } from './service.ts';

/** For each hop, the counter of pushes and the label that tells how they ended there. */
const counters = {
  gateway: { metric: 'pushmesh_stanzas_total', having: 'request="publish"', label: 'answer' },
  dispatcher: { metric: 'pushmesh_delivery_outcomes_total', having: '', label: 'outcome' },
  'push-service': { metric: 'pushmesh_provider_answers_total', having: '', label: 'category' },
} as const;
type Hop = keyof typeof counters;
const hops = Object.keys(counters) as readonly Hop[];

/** How many pushes each hop has handled so far, by outcome; without the hops that do not answer. */
export type HopCounts = Readonly<Partial<Record<Hop, Readonly<Record<string, number>>>>>;

const timeoutMs = 2_000;
const ask = (url: string) => fetch(url, { signal: AbortSignal.timeout(timeoutMs) });

/** Sums the counter of a hop by its label, from metrics in the Prometheus text format. */
export const readCounter = (text: string, hop: Hop): Readonly<Record<string, number>> => {
  const { metric, having, label } = counters[hop];
  const counts: Record<string, number> = {};
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${metric}{`) || !line.includes(having)) continue;
    const word = new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1] ?? '';
    counts[word] = (counts[word] ?? 0) + Number(line.slice(line.lastIndexOf(' ')));
  }
  return counts;
};

export const readHopCounts = async (ops: Endpoints['ops']): Promise<HopCounts> => {
  const counts = hops.map(async (hop) => [hop, readCounter(await (await ask(`${ops[hop]}/metrics`)).text(), hop)]);
  const settled = await Promise.allSettled(counts);
  return Object.fromEntries(settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))) as HopCounts;
};

/** The services that do not answer or are not ready, and why. */
export const notReady = async (ops: Endpoints['ops']): Promise<readonly string[]> => {
  const asked = serviceNames.map(async (name) => {
    try {
      const response = await ask(`${ops[name]}/readyz`);
      return response.ok ? [] : [`${name} is not ready: ${await response.text()}`];
    } catch {
      return [`${name} does not answer at ${ops[name]}/readyz`];
    }
  });
  return (await Promise.all(asked)).flat();
};

/** How far the pushes counted between `before` and `after` have come, in words. */
export const describeProgress = (before: HopCounts, after: HopCounts): string => {
  const since = (hop: Hop): string | undefined => {
    const more = Object.entries(after[hop] ?? {})
      .map(([word, count]) => [word, count - (before[hop]?.[word] ?? 0)] as const)
      .filter(([, count]) => count > 0);
    return more.length === 0 ? undefined : more.map(([word, count]) => `${word} ${count} ×`).join(', ');
  };
  const [published, delivered, answered] = [since('gateway'), since('dispatcher'), since('push-service')];
  if (published === undefined)
    return 'the XMPP server sent no publish to the gateway: a user who is online anywhere gets no push';
  if (delivered === undefined)
    return `the gateway answered the publish with ${published}, but the dispatcher has delivered nothing yet`;
  return `outcomes of the dispatcher's calls to the push API: ${delivered}; answers of the push service: ${answered ?? 'none'}`;
};
