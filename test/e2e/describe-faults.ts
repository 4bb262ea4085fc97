import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { XmppServerName } from '../../deploy/local/mesh.ts';
import { faults } from '../chaos/faults.ts';
import { openStage } from '../chaos/stage.ts';
import type { Stage } from '../chaos/stage.ts';
import { runTrial } from '../chaos/trial.ts';

/** A fault of `npm run chaos`, and how long it lasts here, milliseconds. */
export type ShortFault = readonly [name: string, lastsMs: number];

const nats = { NATS_STREAM_MAX_MESSAGES: '60' };

/** Faults in their short form, one after the other on one mesh: the bill is the same as that of `npm run chaos`. */
export const describeFaults = (server: XmppServerName, shortFaults: readonly ShortFault[]): void => {
  describe(`faults with ${server}`, () => {
    const dataDir = mkdtempSync(join(tmpdir(), `pushmesh-faults-${server}-`));
    let stage: Stage;

    beforeAll(async () => {
      const settings = {
        gateway: nats,
        'pubsub-push': nats,
        dispatcher: {
          ...nats,
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

    it.each(shortFaults)(
      '%s: nothing accepted is lost, and no registration',
      { timeout: 90_000 },
      async (name, lastsMs) => {
        const fault = faults.find((each) => each.name === name);
        if (!fault) throw new Error(`there is no fault ${name}`);
        const trial = await runTrial(
          stage,
          { ...fault, lastsMs },
          { aroundMs: 500, faultMs: lastsMs, settleMs: 60_000 },
        );
        expect(trial).toMatchObject({ problems: [] });
      },
    );
  });
};
