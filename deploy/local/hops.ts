import type { Endpoints } from './mesh.ts';
import { serviceNames } from './service.ts';

/** The counter of each hop that tells what came of a push there, by this label. */
const counters = {
  gateway: { metric: 'pushmesh_stanzas_total', having: 'request="publish"', label: 'answer' },
  dispatcher: { metric: 'pushmesh_delivery_outcomes_total', having: '', label: 'outcome' },
  'push-service': { metric: 'pushmesh_provider_answers_total', having: '', label: 'category' },
} as const;
type Hop = keyof typeof counters;
const hops = Object.keys(counters) as readonly Hop[];

/** How many pushes each hop has seen so far, by what came of them; nothing of a hop that does not answer. */
export type Seen = Readonly<Partial<Record<Hop, Readonly<Record<string, number>>>>>;

const timeoutMs = 2_000;
const ask = (url: string) => fetch(url, { signal: AbortSignal.timeout(timeoutMs) });

/** One counter in Prometheus text. */
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

/** What the hops have seen so far. */
export const readSeen = async (ops: Endpoints['ops']): Promise<Seen> => {
  const counted = hops.map(async (hop) => [hop, readCounter(await (await ask(`${ops[hop]}/metrics`)).text(), hop)]);
  const settled = await Promise.allSettled(counted);
  return Object.fromEntries(settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))) as Seen;
};

/** The services that do not answer, or are not ready, and why. */
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

/** How far the pushes between the two came, in words. */
export const lastHop = (before: Seen, after: Seen): string => {
  const since = (hop: Hop): string | undefined => {
    const more = Object.entries(after[hop] ?? {})
      .map(([word, count]) => [word, count - (before[hop]?.[word] ?? 0)] as const)
      .filter(([, count]) => count > 0);
    return more.length === 0 ? undefined : more.map(([word, count]) => `${word} ${count} ×`).join(', ');
  };
  const [published, delivered, answered] = [since('gateway'), since('dispatcher'), since('push-service')];
  if (published === undefined)
    return 'the XMPP server sent the gateway no publish: who is logged in somewhere gets no push';
  if (delivered === undefined)
    return `the gateway answered the publish with ${published}, the dispatcher delivered nothing yet`;
  return `the dispatcher’s calls of the push API ended as: ${delivered}; the push service’s answers: ${answered ?? 'none'}`;
};
