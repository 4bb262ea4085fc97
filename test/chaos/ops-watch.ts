import { serviceNames } from '../../deploy/local/service.ts';
import type { ServiceName } from '../../deploy/local/service.ts';
import type { Mesh } from '../../deploy/local/mesh.ts';

/** What an operator would have seen on the ops ports. */
export type OpsObservations = {
  /** Every `resource: why` that `/readyz` reported missing, by service. */
  readonly missing: ReadonlyMap<ServiceName, ReadonlySet<string>>;
  readonly circuitOpened: boolean;
};

type ReadinessAnswer = { readonly missing: Readonly<Record<string, string>> };

const everyMs = 200;

/** Polls readiness and circuit states until it is stopped. */
export const watchOps = ({ services }: Pick<Mesh, 'services'>): { stop(): Promise<OpsObservations> } => {
  const missing = new Map<ServiceName, Set<string>>(serviceNames.map((name) => [name, new Set()]));
  let circuitOpened = false;
  let stopped = false;

  const ask = async (name: ServiceName, path: string): Promise<Response | undefined> =>
    fetch(services[name].ops + path, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);

  const poll = async (): Promise<void> => {
    for (const name of serviceNames) {
      const response = await ask(name, '/readyz');
      if (response?.status !== 503) continue;
      // A service that is killed after the headers leaves no body.
      const answer = (await response.json().catch(() => undefined)) as ReadinessAnswer | undefined;
      for (const [resource, why] of Object.entries(answer?.missing ?? {}))
        missing.get(name)?.add(`${resource}: ${why}`);
    }
    const metrics = (await (await ask('dispatcher', '/metrics'))?.text().catch(() => '')) ?? '';
    circuitOpened ||= /^pushmesh_circuit_state\{[^}]*\} [12]$/m.test(metrics);
  };
  const polling = (async () => {
    while (!stopped) {
      await poll();
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();

  return {
    stop: async () => {
      stopped = true;
      await polling;
      return { missing, circuitOpened };
    },
  };
};
