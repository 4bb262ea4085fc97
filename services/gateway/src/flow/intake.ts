import { createThrottle, newTraceparent, traceIdOf } from '@pushmesh/telemetry';
import type { Log } from '@pushmesh/telemetry';
import { errorOf, parseJid, resultOf } from '@pushmesh/xmpp';
import type { Element, Head, Sent, StanzaError } from '@pushmesh/xmpp';
import type { Role } from '../config.ts';
import { stanzaErrors } from '../domain/stanza-errors.ts';
import { nodeOf, readStanza, senderOf } from '../domain/request.ts';
import type { Ignored, Question } from '../domain/request.ts';
import type { Answer, createAnswer } from './answer.ts';
import type { GatewayMetrics } from '../metrics.ts';

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
  readonly outlet: Outlet;
  readonly log: Log;
  readonly metrics: GatewayMetrics;
};

/**
 * Takes the stanzas of one component stream and sends their answers. When `maxInFlight` stanzas wait for their answer the
 * stream is no longer read, until half of them are answered: what is behind it stays in the XMPP server. What came in the
 * same packets has to wait here.
 */
export const createIntake = ({ host, roles, answer, maxInFlight, log, metrics, outlet }: Ports) => {
  const labels = { component: host };
  const waiting: (() => void)[] = [];
  let inFlight = 0;
  let paused = false;
  let draining = false;
  let toldOfOthers = false;
  /** For stanzas over a limit, of which any user may send as many as he likes. */
  const tellOverLimit = createThrottle();
  const idle: (() => void)[] = [];

  const entered = (): void => {
    inFlight += 1;
    metrics.inFlight.set(labels, inFlight);
    if (paused || inFlight < maxInFlight) return;
    paused = true;
    metrics.paused.inc(labels);
    outlet.pause();
  };

  const left = (): void => {
    inFlight -= 1;
    metrics.inFlight.set(labels, inFlight);
    waiting.shift()?.();
    if (inFlight === 0) for (const resolve of idle.splice(0)) resolve();
    if (!paused || draining || inFlight > maxInFlight / 2) return;
    paused = false;
    outlet.resume();
  };

  const readSafely = (stanza: Element): Question | Ignored => {
    try {
      return readStanza(stanza, roles);
    } catch (err) {
      log.error({ event: 'read-fault', stanza: stanza.name, err });
      const isRequest = stanza.name === 'iq' && ['get', 'set'].includes(String(stanza.attrs['type']));
      return isRequest ? { kind: 'malformed', error: stanzaErrors.trouble } : { ignored: 'unknown' };
    }
  };

  /** No exception reaches the wire as anything but `wait`: to the sender’s server other errors mean “forget this node”. */
  const answerTo = async (question: Question, iq: Head, traceparent: string): Promise<Answer> => {
    if ('error' in question) return { error: question.error };
    try {
      return await answer(question.request, { host, roles, iqId: String(iq.attrs['id']), traceparent });
    } catch (err) {
      log.error({ event: 'answer-fault', request: question.kind, traceId: traceIdOf(traceparent), err });
      return { error: stanzaErrors.trouble };
    }
  };

  /** The XMPP server drops the reason; without this line nobody could tell why a phone stays silent. */
  const tellRefusal = (line: object, iq: Head, { pubsub, text }: StanzaError): void =>
    log.info({
      event: 'refused',
      ...line,
      from: iq.attrs['from'] as string,
      pubsub,
      why: text,
    });

  const take = async (question: Question, iq: Head): Promise<void> => {
    const started = performance.now();
    const traceparent = newTraceparent();
    entered();
    try {
      const outcome = await answerTo(question, iq, traceparent);
      const sent = outlet.send('error' in outcome ? errorOf(iq, outcome.error) : resultOf(iq, outcome.result));
      if (sent === 'offline' || sent === 'invalid') metrics.answersLost.inc(labels);
      const answered = 'error' in outcome ? outcome.error.condition : 'result';
      const request = question.kind;
      metrics.answerSeconds.observe({ request }, (performance.now() - started) / 1000);
      metrics.stanzas.inc({ ...labels, request, answer: answered });
      const traceId = traceIdOf(traceparent);
      const line = { component: host, request, answer: answered, node: nodeOf(question), traceId };
      if ('error' in outcome && outcome.error.type !== 'wait' && aboutPush.has(request))
        tellRefusal(line, iq, outcome.error);
      else log.debug({ event: 'answered', ...line });
    } catch (err) {
      log.error({ event: 'answer-fault', request: question.kind, traceId: traceIdOf(traceparent), err });
    } finally {
      left();
    }
  };

  /** Said once: it is the same for every stanza, and a matter of the XMPP server’s configuration. */
  const tellOfOthers = ({ attrs }: Element): void => {
    if (toldOfOthers) return;
    toldOfOthers = true;
    const to = parseJid(String(attrs['to']))?.domain;
    const why = 'sent over the wrong stream: for ejabberd_service set global_routes: false';
    log.error({ event: 'stanza-of-another-component', component: host, to, why });
  };

  const ignore = (request: string): void => metrics.stanzas.inc({ ...labels, request, answer: 'ignored' });

  return {
    onStanza: (stanza: Element): void => {
      const read = readSafely(stanza);
      if ('ignored' in read) return ignore(read.ignored);
      if (!isTo(host, stanza)) {
        tellOfOthers(stanza);
        return ignore('other-component');
      }
      // Nobody can be answered any more. A push is stored all the same; what asks for something will ask again.
      if (draining && (read.kind !== 'publish' || waiting.length >= maxInFlight)) return ignore(read.kind);
      // An answer needs the head alone: the tree of a stanza that waits would survive the next collections.
      const head = { attrs: stanza.attrs };
      const next = (): void => void take(read, head);
      if (inFlight < maxInFlight) next();
      else waiting.push(next);
    },
    /**
     * A stanza that the parser skipped because it is over a limit: its sender is told, the stream goes on. It may be a
     * server’s publish with the long text of somebody else, so the answer must not cost the registration.
     */
    onRefused: (head: Element, why: string): void => {
      tellOverLimit((times) => log.warn({ event: 'stanza-refused', component: host, stanza: head.name, why, times }));
      const isIgnored = 'ignored' in senderOf(head);
      metrics.stanzas.inc({
        ...labels,
        request: 'refused',
        answer: isIgnored ? 'ignored' : stanzaErrors.overLimit.condition,
      });
      if (!isIgnored) outlet.send(errorOf(head, stanzaErrors.overLimit));
    },
    /**
     * Reads nothing more and resolves when every stanza that was taken is answered. Of what still comes, because the stream
     * was closed and the server had sent more, publishes are taken.
     */
    drain: async (): Promise<void> => {
      draining = true;
      outlet.pause();
      if (inFlight > 0) await new Promise<void>((resolve) => void idle.push(resolve));
    },
  };
};

/** What a phone depends on; the others anybody may ask, and as much of it as he likes. */
const aboutPush: ReadonlySet<string> = new Set([
  'publish',
  'create-node',
  'delete-node',
  'set-affiliations',
  'set-configuration',
  'enable',
  'disable',
]);

/** The server chose this stream by the domain; it may write it in capitals. */
const isTo = (host: string, { attrs }: Element): boolean =>
  attrs['to'] === host || attrs['to'] === undefined || parseJid(String(attrs['to']))?.domain === host.toLowerCase();
