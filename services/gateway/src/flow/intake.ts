import { newTraceparent, traceIdOf } from '@pushmesh/telemetry';
import type { Log, MetricsOf, metricNames } from '@pushmesh/telemetry';
import { errorOf, resultOf } from '@pushmesh/xmpp';
import type { Element, Sent } from '@pushmesh/xmpp';
import type { Role } from '../config.ts';
import { faults } from '../domain/faults.ts';
import { readStanza } from '../domain/request.ts';
import type { Ignored, Question } from '../domain/request.ts';
import type { Answer, createAnswer } from './answer.ts';

/** What the intake needs of a component stream. */
export type Outlet = {
  send(stanza: Element): Sent;
  pause(): void;
  resume(): void;
};

type Ports = {
  readonly host: string;
  readonly roles: readonly Role[];
  readonly answer: ReturnType<typeof createAnswer>;
  readonly maxInFlight: number;
  readonly log: Log;
  readonly metrics: MetricsOf<typeof metricNames.gateway>;
};

/**
 * Takes the stanzas of one component and sends their answers. When `maxInFlight` stanzas wait for their answer the
 * stream is no longer read, until half of them are answered: what is behind it stays in the XMPP server.
 */
export const createIntake = ({ host, roles, answer, maxInFlight, log, metrics }: Ports) => {
  const labels = { component: host };
  let inFlight = 0;
  let paused = false;
  let idle: (() => void) | undefined;

  const entered = (outlet: Outlet): void => {
    inFlight += 1;
    metrics.inFlight.set(labels, inFlight);
    if (paused || inFlight < maxInFlight) return;
    paused = true;
    metrics.paused.inc(labels);
    outlet.pause();
  };

  const left = (outlet: Outlet): void => {
    inFlight -= 1;
    metrics.inFlight.set(labels, inFlight);
    if (inFlight === 0) idle?.();
    if (!paused || inFlight > maxInFlight / 2) return;
    paused = false;
    outlet.resume();
  };

  const readSafely = (stanza: Element): Question | Ignored => {
    try {
      return readStanza(stanza, roles);
    } catch (err) {
      log.error({ event: 'read-fault', stanza: stanza.name, err });
      const isRequest = stanza.name === 'iq' && ['get', 'set'].includes(String(stanza.attrs['type']));
      return isRequest ? { kind: 'malformed', fault: faults.trouble } : { ignored: 'unknown' };
    }
  };

  /** No exception reaches the wire as anything but `wait`: to the sender’s server other errors mean “forget this node”. */
  const answerTo = async (question: Question, iq: Element, traceparent: string): Promise<Answer> => {
    if ('fault' in question) return { error: question.fault };
    try {
      return await answer(question.request, { host, roles, iqId: String(iq.attrs['id']), traceparent });
    } catch (err) {
      log.error({ event: 'answer-fault', request: question.kind, traceId: traceIdOf(traceparent), err });
      return { error: faults.trouble };
    }
  };

  const take = async (question: Question, iq: Element, outlet: Outlet): Promise<void> => {
    const stop = metrics.answerSeconds.startTimer({ request: question.kind });
    const traceparent = newTraceparent();
    entered(outlet);
    const outcome = await answerTo(question, iq, traceparent);
    const label = 'error' in outcome ? outcome.error.condition : 'result';
    const sent = outlet.send('error' in outcome ? errorOf(iq, outcome.error) : resultOf(iq, outcome.result));
    if (sent === 'offline' || sent === 'invalid') metrics.answersLost.inc(labels);
    left(outlet);
    stop();
    metrics.stanzas.inc({ ...labels, request: question.kind, answer: label });
    log.debug({
      event: 'answered',
      component: host,
      request: question.kind,
      answer: label,
      traceId: traceIdOf(traceparent),
    });
  };

  return {
    onStanza: (stanza: Element, outlet: Outlet): void => {
      const read = readSafely(stanza);
      if ('ignored' in read) metrics.stanzas.inc({ ...labels, request: read.ignored, answer: 'ignored' });
      else void take(read, stanza, outlet);
    },
    /** A stanza that the parser skipped because it is too deep or too wide: its sender is told, the stream goes on. */
    onRefused: (head: Element, condition: string, outlet: Outlet): void => {
      log.warn({ event: 'stanza-refused', component: host, stanza: head.name, condition });
      const isRequest = head.name === 'iq' && ['get', 'set'].includes(String(head.attrs['type']));
      metrics.stanzas.inc({ ...labels, request: 'refused', answer: isRequest ? 'bad-request' : 'ignored' });
      if (isRequest) outlet.send(errorOf(head, faults.badRequest('the stanza is too deep or has too many attributes')));
    },
    /** Resolves when every stanza that was taken is answered. */
    drained: (): Promise<void> => (inFlight === 0 ? Promise.resolve() : new Promise((resolve) => (idle = resolve))),
  };
};
