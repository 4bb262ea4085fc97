import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '../../deploy/local/service.ts';
import { readEnds } from '../harness/results.ts';
import { billOf } from './accounting.ts';
import type { Bill } from './accounting.ts';
import type { Fault } from './faults.ts';
import type { Stage } from './environment.ts';
import { awayUsers } from './environment.ts';
import { startTraffic } from './traffic.ts';
import type { Traffic } from './traffic.ts';
import { watch } from './ops-watch.ts';
import type { Seen } from './ops-watch.ts';

/** What one fault did. */
export type Trial = Bill & {
  /** Messages to users who were away; each has one registration. */
  readonly messages: number;
  readonly registrationsLost: number;
  /** What was said on the ops ports to be missing. */
  readonly notReady: readonly string[];
  /** What was not as it must be. */
  readonly problems: readonly string[];
};

export type Pace = {
  /** Traffic before the fault and after it, milliseconds. */
  readonly aroundMs: number;
  /** How long the fault lasts, unless it says so itself. */
  readonly faultMs: number;
  /** How long everything accepted may take to reach its end after the fault. */
  readonly settleMs: number;
};

const probeEveryMs = 2_000;
const probes = 8;

/** One fault under traffic, until everything that was accepted has its recorded end or the time is over. */
export const runTrial = async (stage: Stage, fault: Fault, pace: Pace): Promise<Trial> => {
  const { mesh, tap, phones } = stage;
  const traffic = await startTraffic(stage);
  tap.forget();
  phones.forget();
  try {
    const flow = traffic.flow(fault.perSecond ?? 20);
    await sleep(pace.aroundMs);
    const watching = watch(mesh);
    let problems: readonly string[];
    let seen: Seen;
    try {
      problems = await fault.play(stage, traffic, fault.lastsMs ?? pace.faultMs);
      await sleep(pace.aroundMs);
    } finally {
      await flow.stop();
      seen = await watching.stop();
    }
    const registrationsLost = await countLost(stage, traffic);
    const bill = await settled(stage, pace.settleMs);
    return {
      ...bill,
      messages: traffic.sent(),
      registrationsLost,
      notReady: [...seen.missing].flatMap(([name, all]) => [...all].map((why) => `${name}: ${why}`)),
      problems: [...problems, ...findProblems(fault, bill, registrationsLost, seen, phones.unheard())],
    };
  } finally {
    await traffic.close();
  }
};

/** A registration lives when the XMPP server publishes for it: neither server tells anybody that it dropped one. */
const countLost = async ({ tap }: Stage, traffic: Traffic): Promise<number> => {
  const living = new Set<number>();
  const sent: (readonly string[])[] = [];
  for (let probe = 0; probe < probes && living.size < awayUsers.length; probe += 1) {
    sent.push(await traffic.toEverybody());
    await sleep(probe === 0 ? 500 : probeEveryMs);
    const published = new Set(tap.publishes.map(({ text }) => text));
    for (const texts of sent) texts.forEach((text, user) => published.has(text) && living.add(user));
  }
  return awayUsers.length - living.size;
};

const settled = async ({ mesh, tap, phones }: Stage, patienceMs: number): Promise<Bill> => {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const bill = billOf(tap.publishes, phones.shown, await readEnds(mesh.endpoints.nats));
    if (bill.lost === 0 || Date.now() > giveUpAt) return bill;
    await sleep(500);
  }
};

const findProblems = (
  fault: Fault,
  bill: Bill,
  registrationsLost: number,
  seen: Seen,
  unheard: number,
): readonly string[] => {
  const unsaid = Object.entries(fault.notReady ?? {}).filter(
    ([name, why]) => ![...(seen.missing.get(name as ServiceName) ?? [])].some((each) => why.test(each)),
  );
  const checks: readonly (readonly [boolean, string])[] = [
    [bill.delivered === 0, 'nothing was delivered'],
    [bill.lost > 0, `${bill.lost} accepted pushes did not reach an end in time`],
    [bill.endedOtherwise > 0, `${bill.endedOtherwise} accepted pushes were not delivered`],
    [bill.refused.length > 0, `publishes were refused: ${[...new Set(bill.refused)].join(', ')}`],
    [
      fault.losesNothing === true && bill.deliveredUnanswered < bill.unanswered,
      `only ${bill.deliveredUnanswered} of ${bill.unanswered} unanswered pushes arrived`,
    ],
    [registrationsLost > 0, `${registrationsLost} registrations were lost`],
    [
      bill.duplicates > (fault.mayRepeat ?? 0) + unheard,
      `${bill.duplicates} pushes were repeated, though only ${unheard} answers reached nobody`,
    ],
    [fault.opensCircuit === true && !seen.circuitOpened, 'the circuit did not open'],
    [fault.waits === true && bill.waits === 0, 'no publish was answered wait'],
    ...unsaid.map(([name, why]) => [true, `/readyz of ${name} did not say ${why.source}`] as const),
  ];
  return checks.flatMap(([isSo, what]) => (isSo ? [what] : []));
};
