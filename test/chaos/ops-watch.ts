import { serviceNames } from '../../deploy/local/service.ts';
import type { ServiceName } from '../../deploy/local/service.ts';
import type { Mesh } from '../../deploy/local/mesh.ts';

/** What an operator would have seen on the ops ports. */
export type Seen = {
  /** Everything that was said to be missing, by service. */
  readonly missing: ReadonlyMap<ServiceName, ReadonlySet<string>>;
  readonly circuitOpened: boolean;
};

type Answer = { readonly missing: Readonly<Record<string, string>> };

const everyMs = 200;

/** Looks at readiness and circuits until told to stop. */
export const watch = ({ services }: Pick<Mesh, 'services'>): { stop(): Promise<Seen> } => {
  const missing = new Map<ServiceName, Set<string>>(serviceNames.map((name) => [name, new Set()]));
  let circuitOpened = false;
  let stopped = false;

  const ask = async (name: ServiceName, path: string): Promise<Response | undefined> =>
    fetch(services[name].ops + path, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);

  const look = async (): Promise<void> => {
    for (const name of serviceNames) {
      const response = await ask(name, '/readyz');
      if (response?.status !== 503) continue;
      // Killed between its head and its body, a service has said nothing.
      const answer = (await response.json().catch(() => undefined)) as Answer | undefined;
      for (const [resource, why] of Object.entries(answer?.missing ?? {}))
        missing.get(name)?.add(`${resource}: ${why}`);
    }
    const metrics = (await (await ask('dispatcher', '/metrics'))?.text().catch(() => '')) ?? '';
    circuitOpened ||= /^pushmesh_circuit_state\{[^}]*\} [12]$/m.test(metrics);
  };
  const looking = (async () => {
    while (!stopped) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();

  return {
    stop: async () => {
      stopped = true;
      await looking;
      return { missing, circuitOpened };
    },
  };
};
