import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { XmppServerName } from '../../deploy/local/mesh.ts';
import type { Fault } from './faults.ts';
import { openStage } from './environment.ts';
import type { Stage } from './environment.ts';

/** Keeps one mesh at a time, with the variables that the next fault needs. */
export const createTheatre = (server: XmppServerName, say: (line: string) => void) => {
  let current: { readonly stage: Stage; readonly settings: string; readonly dataDir: string } | undefined;

  const close = async (after: 'well' | 'trouble'): Promise<void> => {
    const closing = current;
    current = undefined;
    await closing?.stage.close();
    if (closing && after === 'well') rmSync(closing.dataDir, { recursive: true, force: true });
    else if (closing) say(`the logs are kept in ${closing.dataDir}`);
  };

  return {
    stageFor: async (fault: Fault): Promise<Stage> => {
      const settings = JSON.stringify(fault.settings ?? {});
      if (current?.settings === settings) return current.stage;
      await close('well');
      const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-chaos-'));
      const stage = await openStage(server, dataDir, fault.settings ?? {}, () => {});
      current = { stage, settings, dataDir };
      return stage;
    },
    /** Ends the mesh; after trouble its folder stays. */
    close,
  };
};
