import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { XmppServerName } from '../../deploy/local/mesh.ts';
import { startFaultEnvironment } from '../chaos/environment.ts';
import type { FaultEnvironment } from '../chaos/environment.ts';
import { runFault } from '../chaos/fault-run.ts';
import { faults } from '../chaos/faults.ts';
import type { Fault } from '../chaos/faults.ts';

/** A fault of `npm run chaos`, and how long it lasts here, milliseconds. */
export type ShortFault = readonly [name: string, durationMs: number];

/** Declares a test for each fault, in a short form, one after the other on one mesh. They check what `npm run chaos` checks. */
export const describeFaults = (server: XmppServerName, shortFaults: readonly ShortFault[]): void => {
  const chosen = shortFaults.map(([name, durationMs]): [string, Fault] => {
    const fault = faults.find((each) => each.name === name);
    if (!fault) throw new Error(`there is no fault ${name}`);
    return [name, { ...fault, durationMs }];
  });

  describe(`faults with ${server}`, () => {
    const dataDir = mkdtempSync(join(tmpdir(), `pushmesh-faults-${server}-`));
    let environment: FaultEnvironment;

    beforeAll(async () => {
      const wanted: Fault['settings'] = Object.assign({}, ...chosen.map(([, { settings }]) => settings));
      const settings = {
        ...wanted,
        dispatcher: {
          ...wanted?.dispatcher,
          RETRY_BASE_MS: '100',
          RETRY_CAP_MS: '500',
          BREAKER_RESET_MS: '500',
          BREAKER_VOLUME: '5',
          // The circuit counts the successes of the last ten seconds, and these faults are shorter.
          BREAKER_ERROR_PERCENT: '10',
        },
      };
      environment = await startFaultEnvironment(server, dataDir, settings, () => {});
    });
    afterAll(async () => {
      await environment?.stop();
      rmSync(dataDir, { recursive: true, force: true });
    });

    it.each(chosen)('%s: no accepted push and no registration is lost', { timeout: 90_000 }, async (_name, fault) => {
      const run = await runFault(environment, fault, { steadyMs: 500, faultMs: 0, settleMs: 60_000 });
      expect(run).toMatchObject({ problems: [] });
    });
  });
};
