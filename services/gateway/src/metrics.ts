import { hopSeconds } from '@pushmesh/telemetry';
import type { MetricGroup, MetricsOf } from '@pushmesh/telemetry';

/** The metrics of the gateway. */
export const gatewayMetrics = {
  streamUp: {
    type: 'gauge',
    name: 'pushmesh_xmpp_stream_up',
    help: '1 while the component stream is online, otherwise 0',
    labels: ['component'],
  },
  streamChanges: {
    type: 'counter',
    name: 'pushmesh_xmpp_stream_changes_total',
    help: 'State changes of a component stream, by the new state',
    labels: ['component', 'state'],
  },
  stanzas: {
    type: 'counter',
    name: 'pushmesh_stanzas_total',
    help: 'Stanzas by request and by the answer that was decided: result, ignored, or the error condition; this includes answers that could not be sent, see pushmesh_answers_lost_total',
    labels: ['component', 'request', 'answer'],
  },
  answerSeconds: {
    type: 'histogram',
    name: 'pushmesh_stanza_answer_seconds',
    help: 'Time from a request stanza to its answer',
    labels: ['request'],
    buckets: hopSeconds,
  },
  inFlight: {
    type: 'gauge',
    name: 'pushmesh_stanzas_in_flight',
    help: 'Stanzas that were received and not answered yet',
    labels: ['component'],
  },
  paused: {
    type: 'counter',
    name: 'pushmesh_xmpp_pauses_total',
    help: 'How often a component stream stopped being read because too many stanzas were in flight',
    labels: ['component'],
  },
  answersLost: {
    type: 'counter',
    name: 'pushmesh_answers_lost_total',
    help: "Answers that were not sent: there was no stream to send them on, or the server would have closed the stream because of them. The sender's request times out. Servers do not repeat a publish, but if the lost answer was a result, the push is stored and delivered",
    labels: ['component'],
  },
  unverified: {
    type: 'counter',
    name: 'pushmesh_publishes_unverified_total',
    help: 'Publishes stored without authorisation because pubsub-push did not answer in time',
    labels: [],
  },
} as const satisfies MetricGroup;

export type GatewayMetrics = MetricsOf<typeof gatewayMetrics>;
