import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '../../deploy/local/service.ts';
import { readEnds } from '../harness/results.ts';
import { accountFor } from './accounting.ts';
import type { Accounting } from './accounting.ts';
import { offlineUsers } from './environment.ts';
import type { FaultEnvironment } from './environment.ts';
import type { Fault } from './faults.ts';
import { watchOps } from './ops-watch.ts';
import type { OpsObservations } from './ops-watch.ts';
import { createTraffic } from './traffic.ts';
import type { Traffic } from './traffic.ts';

/** What one fault did. */
export type FaultRun = Accounting & {
  /** Messages to offline users, each of whom has one registration. */
  readonly messages: number;
  readonly registrationsLost: number;
  /** What `/readyz` reported missing, as `service: resource: why`. */
  readonly notReady: readonly string[];
  /** Every expectation that was not met. */
  readonly problems: readonly string[];
};

export type Timing = {
  /** Traffic before the fault and after it, milliseconds. */
  readonly steadyMs: number;
  /** How long the fault lasts unless it sets its own duration. */
  readonly faultMs: number;
  /** How long it may take after the fault until every accepted push has reached its end. */
  readonly settleMs: number;
};

const probeEveryMs = 2_000;
const probes = 8;

/** Causes one fault under traffic, and waits until every accepted push has its recorded end or `settleMs` is over. */
export const runFault = async (environment: FaultEnvironment, fault: Fault, timing: Timing): Promise<FaultRun> => {
  const { mesh, componentProxy, pushApi, fcm } = environment;
  const traffic = await createTraffic(environment);
  for (const recorder of [componentProxy, pushApi, fcm]) recorder.clear();
  try {
    const sending = traffic.start(fault.perSecond ?? 20);
    await sleep(timing.steadyMs);
    const watching = watchOps(mesh);
    let problems: readonly string[];
    let observed: OpsObservations;
    try {
      problems = await fault.inject(environment, traffic, fault.durationMs ?? timing.faultMs);
      await sleep(timing.steadyMs);
    } finally {
      await sending.stop();
      observed = await watching.stop();
    }
    const registrationsLost = await countLostRegistrations(environment, traffic);
    const accounting = await settle(environment, timing.settleMs);
    return {
      ...accounting,
      messages: traffic.sent(),
      registrationsLost,
      notReady: [...observed.missing].flatMap(([name, all]) => [...all].map((why) => `${name}: ${why}`)),
      problems: [
        ...problems,
        ...findProblems(fault, accounting, registrationsLost, observed, pushApi.undeliveredAnswers()),
      ],
    };
  } finally {
    await traffic.close();
  }
};

/** A registration is alive if the XMPP server publishes for it: no server announces that it dropped one. */
const countLostRegistrations = async ({ componentProxy }: FaultEnvironment, traffic: Traffic): Promise<number> => {
  const alive = new Set<number>();
  const sent: (readonly string[])[] = [];
  for (let probe = 0; probe < probes && alive.size < offlineUsers.length; probe += 1) {
    sent.push(await traffic.sendToAll());
    await sleep(probe === 0 ? 500 : probeEveryMs);
    const published = new Set(componentProxy.publishes.map(({ text }) => text));
    for (const texts of sent) texts.forEach((text, user) => published.has(text) && alive.add(user));
  }
  return offlineUsers.length - alive.size;
};

const settle = async ({ mesh, componentProxy, fcm }: FaultEnvironment, settleMs: number): Promise<Accounting> => {
  const giveUpAt = Date.now() + settleMs;
  for (;;) {
    const accounting = accountFor(componentProxy.publishes, fcm.received, await readEnds(mesh.endpoints.nats));
    if (accounting.lost === 0 || Date.now() > giveUpAt) return accounting;
    await sleep(500);
  }
};

const findProblems = (
  fault: Fault,
  accounting: Accounting,
  registrationsLost: number,
  observed: OpsObservations,
  undeliveredAnswers: number,
): readonly string[] => {
  const unreported = Object.entries(fault.notReady ?? {}).filter(
    ([name, why]) => ![...(observed.missing.get(name as ServiceName) ?? [])].some((each) => why.test(each)),
  );
  const { delivered, lost, endedOtherwise, refused, deliveredUnanswered, unanswered, duplicates, waits } = accounting;
  const checks: readonly (readonly [boolean, string])[] = [
    [delivered === 0, 'nothing was delivered'],
    [lost > 0, `${lost} accepted pushes did not reach an end in time`],
    [endedOtherwise > 0, `${endedOtherwise} accepted pushes were not delivered`],
    [refused.length > 0, `publishes were refused: ${[...new Set(refused)].join(', ')}`],
    [
      fault.losesNothing === true && deliveredUnanswered < unanswered,
      `only ${deliveredUnanswered} of ${unanswered} unanswered pushes were delivered`,
    ],
    [registrationsLost > 0, `${registrationsLost} registrations were lost`],
    [
      duplicates > (fault.mayRepeat ?? 0) + undeliveredAnswers,
      `${duplicates} pushes were repeated, but only ${undeliveredAnswers} answers missed the dispatcher`,
    ],
    [fault.opensCircuit === true && !observed.circuitOpened, 'the circuit did not open'],
    [fault.waits === true && waits === 0, 'no publish was answered wait'],
    ...unreported.map(([name, why]) => [true, `/readyz of ${name} did not say ${why.source}`] as const),
  ];
  return checks.flatMap(([failed, problem]) => (failed ? [problem] : []));
};
