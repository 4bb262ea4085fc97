import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { XmppServerName } from '../../deploy/local/mesh.ts';
import { faults } from '../chaos/faults.ts';
import type { Fault } from '../chaos/faults.ts';
import { openStage } from '../chaos/environment.ts';
import type { Stage } from '../chaos/environment.ts';
import { runTrial } from '../chaos/fault-run.ts';

/** A fault of `npm run chaos`, and how long it lasts here, milliseconds. */
export type ShortFault = readonly [name: string, lastsMs: number];

/** Faults in their short form, one after the other on one mesh: the bill is the same as that of `npm run chaos`. */
export const describeFaults = (server: XmppServerName, shortFaults: readonly ShortFault[]): void => {
  const played = shortFaults.map(([name, lastsMs]): [string, Fault] => {
    const fault = faults.find((each) => each.name === name);
    if (!fault) throw new Error(`there is no fault ${name}`);
    return [name, { ...fault, lastsMs }];
  });

  describe(`faults with ${server}`, () => {
    const dataDir = mkdtempSync(join(tmpdir(), `pushmesh-faults-${server}-`));
    let stage: Stage;

    beforeAll(async () => {
      const wanted: Fault['settings'] = Object.assign({}, ...played.map(([, { settings }]) => settings));
      const settings = {
        ...wanted,
        dispatcher: {
          ...wanted?.dispatcher,
          RETRY_BASE_MS: '100',
          RETRY_CAP_MS: '500',
          BREAKER_RESET_MS: '500',
          BREAKER_VOLUME: '5',
          // What went well within the ten seconds before counts, and these faults are short.
          BREAKER_ERROR_PERCENT: '10',
        },
      };
      stage = await openStage(server, dataDir, settings, () => {});
    });
    afterAll(async () => {
      await stage?.close();
      rmSync(dataDir, { recursive: true, force: true });
    });

    it.each(played)('%s: nothing accepted is lost, and no registration', { timeout: 90_000 }, async (_name, fault) => {
      const trial = await runTrial(stage, fault, { aroundMs: 500, faultMs: 0, settleMs: 60_000 });
      expect(trial).toMatchObject({ problems: [] });
    });
  });
};
