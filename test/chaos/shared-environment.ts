import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { XmppServerName } from '../../deploy/local/mesh.ts';
import { startFaultEnvironment } from './environment.ts';
import type { FaultEnvironment } from './environment.ts';
import type { Fault } from './faults.ts';

/** Keeps one environment running and replaces it when a fault needs other variables. */
export const createSharedEnvironment = (server: XmppServerName, print: (line: string) => void) => {
  let current:
    { readonly environment: FaultEnvironment; readonly settings: string; readonly dataDir: string } | undefined;

  const stop = async (logs: 'delete logs' | 'keep logs'): Promise<void> => {
    const stopping = current;
    current = undefined;
    await stopping?.environment.stop();
    if (stopping && logs === 'delete logs') rmSync(stopping.dataDir, { recursive: true, force: true });
    else if (stopping) print(`the logs are kept in ${stopping.dataDir}`);
  };

  return {
    environmentFor: async (fault: Fault): Promise<FaultEnvironment> => {
      const settings = JSON.stringify(fault.settings ?? {});
      if (current?.settings === settings) return current.environment;
      await stop('delete logs');
      const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-chaos-'));
      const environment = await startFaultEnvironment(server, dataDir, fault.settings ?? {}, () => {});
      current = { environment, settings, dataDir };
      return environment;
    },
    stop,
  };
};
