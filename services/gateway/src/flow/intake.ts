import { createThrottle, newTraceparent, traceIdOf } from '@pushmesh/telemetry';
import type { Log } from '@pushmesh/telemetry';
import { errorOf, parseJid, resultOf } from '@pushmesh/xmpp';
import type { Element, Head, Sent, StanzaError } from '@pushmesh/xmpp';
import type { Role } from '../config.ts';
import { stanzaErrors } from '../domain/stanza-errors.ts';
import { readStanza, senderOf } from '../domain/read-stanza.ts';
import { nodeOf } from '../domain/request.ts';
import type { Ignored, IqRequest } from '../domain/request.ts';
import type { RequestHandler } from './handle-request.ts';
import type { Answer } from './request-handler.ts';
import { createBackPressure } from './back-pressure.ts';
import type { GatewayMetrics } from '../metrics.ts';

/** What the intake needs of a component stream. */
export type Outlet = {
  send(stanza: Element): Sent;
  pause(): void;
  resume(): void;
};

type Ports = {
  /** The name of the component. */
  readonly host: string;
  readonly roles: readonly Role[];
  readonly handleRequest: RequestHandler;
  readonly maxInFlight: number;
  readonly outlet: Outlet;
  readonly log: Log;
  readonly metrics: GatewayMetrics;
};

/**
 * Takes the stanzas of one component stream and sends their answers. With `maxInFlight` stanzas waiting for their answer the
 * stream is not read until half of them are answered: what follows stays in the XMPP server.
 */
export const createIntake = (ports: Ports) => {
  const { host, maxInFlight, log, metrics, outlet } = ports;
  const labels = { component: host };
  const backPressure = createBackPressure({
    limit: maxInFlight,
    onCount: (count) => metrics.inFlight.set(labels, count),
    pause: () => {
      metrics.paused.inc(labels);
      outlet.pause();
    },
    resume: () => outlet.resume(),
  });
  const reportOtherComponent = createOtherComponentReport(ports);
  /** For stanzas over a limit, which any user may send in any number. */
  const reportOverLimit = createThrottle();

  return {
    onStanza: (stanza: Element): void => {
      const read = readSafely(stanza, ports);
      if ('ignored' in read) return ignore(read.ignored, ports);
      if (!isTo(host, stanza)) {
        reportOtherComponent(stanza);
        return ignore('other-component', ports);
      }
      // No answer can be sent any more. A push is stored anyway; other requests will be repeated by their senders.
      if (backPressure.isDraining() && (read.kind !== 'publish' || backPressure.isCrowded()))
        return ignore(read.kind, ports);
      // The answer needs only the head: the tree of a stanza that waits would survive the next garbage collections.
      const head = { attrs: stanza.attrs };
      backPressure.admit(() => void answer(read, head, ports, backPressure.leave));
    },
    /**
     * A stanza that the parser skipped because it is over a limit: its sender is told, and the stream goes on. It may be a
     * server's publish with somebody else's long text, so the answer must not cost the registration.
     */
    onRefused: (head: Element, why: string): void => {
      reportOverLimit((times) => log.warn({ event: 'stanza-refused', component: host, stanza: head.name, why, times }));
      const isIgnored = 'ignored' in senderOf(head);
      const answered = isIgnored ? 'ignored' : stanzaErrors.overLimit.condition;
      metrics.stanzas.inc({ ...labels, request: 'refused', answer: answered });
      if (!isIgnored) outlet.send(errorOf(head, stanzaErrors.overLimit));
    },
    /**
     * Stops reading, and resolves once every stanza that was taken is answered. Of what the server had sent before it read
     * our end of the stream, publishes are still taken.
     */
    drain: async (): Promise<void> => {
      outlet.pause();
      await backPressure.drain();
    },
  };
};

const readSafely = (stanza: Element, { roles, log }: Ports): IqRequest | Ignored => {
  try {
    return readStanza(stanza, roles);
  } catch (err) {
    log.error({ event: 'read-fault', stanza: stanza.name, err });
    const isRequest = stanza.name === 'iq' && ['get', 'set'].includes(String(stanza.attrs['type']));
    return isRequest ? { kind: 'malformed', error: stanzaErrors.trouble } : { ignored: 'unknown' };
  }
};

const ignore = (request: string, { host, metrics }: Ports): void =>
  metrics.stanzas.inc({ component: host, request, answer: 'ignored' });

/** The server chose this stream by the domain, which it may write in capitals. */
const isTo = (host: string, { attrs }: Element): boolean =>
  attrs['to'] === host || attrs['to'] === undefined || parseJid(String(attrs['to']))?.domain === host.toLowerCase();

/** Reports it once: the XMPP server's configuration is at fault, for every such stanza. */
const createOtherComponentReport = ({ host, log }: Ports) => {
  let isReported = false;
  return ({ attrs }: Element): void => {
    if (isReported) return;
    isReported = true;
    const to = parseJid(String(attrs['to']))?.domain;
    const why = 'sent over the wrong stream: for ejabberd_service set global_routes: false';
    log.error({ event: 'stanza-of-another-component', component: host, to, why });
  };
};

const answer = async (iq: IqRequest, head: Head, ports: Ports, onDone: () => void): Promise<void> => {
  const { host, outlet, log, metrics } = ports;
  const started = performance.now();
  const traceparent = newTraceparent();
  const request = iq.kind;
  try {
    const given = await decideAnswer(iq, head, traceparent, ports);
    const sent = outlet.send('error' in given ? errorOf(head, given.error) : resultOf(head, given.result));
    if (sent === 'offline' || sent === 'invalid') metrics.answersLost.inc({ component: host });
    const answered = 'error' in given ? given.error.condition : 'result';
    metrics.answerSeconds.observe({ request }, (performance.now() - started) / 1000);
    metrics.stanzas.inc({ component: host, request, answer: answered });
    const line = { component: host, request, answer: answered, node: nodeOf(iq), traceId: traceIdOf(traceparent) };
    if ('error' in given && isWorthALine(request, given.error)) log.info(refusalLine(line, head, given.error));
    else log.debug({ event: 'answered', ...line });
  } catch (err) {
    log.error({ event: 'answer-fault', request, traceId: traceIdOf(traceparent), err });
  } finally {
    onDone();
  }
};

/** No exception reaches the wire as anything but `wait`: to the sender's server other errors mean "forget this node". */
const decideAnswer = async (
  iq: IqRequest,
  head: Head,
  traceparent: string,
  { host, roles, handleRequest, log }: Ports,
): Promise<Answer> => {
  if ('error' in iq) return { error: iq.error };
  try {
    return await handleRequest(iq.request, { host, roles, iqId: String(head.attrs['id']), traceparent });
  } catch (err) {
    log.error({ event: 'answer-fault', request: iq.kind, traceId: traceIdOf(traceparent), err });
    return { error: stanzaErrors.trouble };
  }
};

/** The XMPP server drops the reason of a refusal; without this line nobody could find out why a phone stays silent. */
const isWorthALine = (request: string, { type }: StanzaError): boolean => type !== 'wait' && aboutPush.has(request);

/** The requests that pushes depend on. Anybody may send the others, in any number, so they are not logged. */
const aboutPush: ReadonlySet<string> = new Set([
  'publish',
  'create-node',
  'delete-node',
  'set-affiliations',
  'set-configuration',
  'enable',
  'disable',
]);

const refusalLine = (line: object, head: Head, { pubsub, text }: StanzaError) => ({
  event: 'refused',
  ...line,
  from: head.attrs['from'] as string,
  pubsub,
  why: text,
});
