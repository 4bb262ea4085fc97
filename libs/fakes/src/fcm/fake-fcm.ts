import type { Mode } from '@pushmesh/contracts';
import { behaviourOf } from '../behaviour.ts';
import type { Behaviour } from '../behaviour.ts';
import { createDelays, randomBetween } from '../delays.ts';
import type { Certificate } from '../fake-authority.ts';
import { createFaults } from '../fault.ts';
import type { Fault, Faults } from '../fault.ts';
import type { Answer, FakeReply } from '../http2-reply.ts';
import { startHttp2Server } from '../http2-server.ts';
import type { FakeRequest } from '../http2-server.ts';
import { fcmAnswers } from './answers.ts';
import { checkSendRequest } from './message-rules.ts';
import type { SentMessage, ValidRequest } from './message-rules.ts';
import { createQuotas } from './quota.ts';
import { simulatedAnswer } from './simulated-answer.ts';
import { startTokenEndpoint } from './token-endpoint.ts';
import { createTokenIssuer } from './token-issuer.ts';

/** A message as a device gets it. */
export type FcmDelivery = {
  /** The registration token, installation ID, topic or condition. */
  readonly target: string;
  readonly projectId: string;
  readonly message: SentMessage;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Milliseconds that FCM holds it back, after too many collapsible messages. */
  readonly delayMs?: number;
};

type Options = {
  readonly certificate: Certificate;
  readonly host?: string;
  /** The host name in the URLs of clients. */
  readonly name?: string;
  /** 0: any free port. */
  readonly ports?: { readonly messages: number; readonly tokens: number };
  /** Google's clock, in milliseconds since 1970. */
  readonly clock?: () => number;
  /** FCM has no modes; a sender may have one project for each. */
  readonly modeOf?: (projectId: string) => Mode | undefined;
  readonly faults?: Faults;
  readonly onDelivered?: (delivery: FcmDelivery) => void;
  /** A valid message that the simulated behaviour refused. */
  readonly onRefused?: (delivery: FcmDelivery, behaviour: Behaviour) => void;
};

/**
 * A fake of FCM HTTP v1 and of the OAuth token endpoint in front of it, with their checks and answers. The prefix of the
 * registration token selects a simulated answer (`behaviourOf`). `tokens.trust` adds a service account: its key file names
 * the token endpoint, so it can exist only once that listens.
 */
export const startFakeFcm = async (options: Options) => {
  const { certificate, host = '127.0.0.1', name = 'localhost', ports = { messages: 0, tokens: 0 } } = options;
  const { clock = Date.now, faults = createFaults(), modeOf = () => undefined } = options;
  const { onDelivered = () => {}, onRefused = () => {} } = options;
  const tokens = createTokenIssuer({ accounts: [], lifetimeSeconds: 3600, clock });
  const tokenEndpoint = await startTokenEndpoint({
    certificate,
    host,
    name,
    port: ports.tokens,
    clock,
    answer: tokens.answer,
  });
  const quotas = createQuotas(clock);
  const delays = createDelays();
  let requests = 0;
  let delivered = 0;
  let script: (request: FakeRequest) => FakeReply | undefined = () => undefined;

  const deliver = (delivery: FcmDelivery): Answer => {
    delivered += 1;
    const key = collapseKeyOf(delivery.message);
    const delayMs = key === undefined ? 0 : quotas.collapsibleDelay(delivery.target, key);
    onDelivered({ ...delivery, ...(delayMs > 0 && { delayMs }) });
    return fcmAnswers.ok(`projects/${delivery.projectId}/messages/0:${delivered}`);
  };

  const simulate = (
    request: FakeRequest,
    delivery: FcmDelivery,
    behaviour: Behaviour,
    validateOnly: boolean,
  ): FakeReply => {
    if (request.isOver()) return { type: 'silence' };
    const refusal = simulatedAnswer(behaviour, delivery.message, clock());
    if (refusal && !validateOnly) onRefused(delivery, behaviour);
    if (refusal) return refusal;
    if (validateOnly) return fcmAnswers.ok(`projects/${delivery.projectId}/messages/fake_message_id`);
    const answer = deliver(delivery);
    return behaviour.type === 'drip' ? { ...answer, overMs: behaviour.ms } : answer;
  };

  const behaviourFor = ({ token, fid }: SentMessage, target: string, projectId: string): Behaviour => {
    const fullForSeconds = quotas.takeOfDevice(target);
    if (fullForSeconds !== undefined)
      return { type: 'throttled', retryAfter: { type: 'seconds', seconds: fullForSeconds } };
    return (
      faults.behaviourFor({ service: 'fcm', mode: modeOf(projectId), token: target }) ?? behaviourOf(token ?? fid ?? '')
    );
  };

  const accept = (request: FakeRequest, valid: ValidRequest, projectId: string): FakeReply | Promise<FakeReply> => {
    const { message } = valid;
    const target = message.token ?? message.fid ?? message.topic ?? message.condition ?? '';
    const behaviour = behaviourFor(message, target, projectId);
    const delivery = { target, projectId, message, at: clock() };
    const run = () => simulate(request, delivery, behaviour, valid.validateOnly);
    return behaviour.type === 'slow' ? delays.wait(randomBetween(behaviour.ms, behaviour.mostMs)).then(run) : run();
  };

  const reply = (request: FakeRequest): FakeReply | Promise<FakeReply> => {
    if (request.isOver()) return { type: 'silence' };
    requests += 1;
    const scripted = script(request);
    if (scripted) return scripted;
    const projectId = /^\/v1\/projects\/([^/]+)\/messages:send$/.exec(request.path)?.[1];
    if (projectId === undefined || request.method !== 'POST') return fcmAnswers.html(404);
    const account = tokens.accountOf((request.headers['authorization'] ?? '').replace(/^Bearer /, ''));
    if (!account) return fcmAnswers.unauthenticated();
    if (account.projectId !== projectId) return fcmAnswers.permissionDenied();
    const fullForSeconds = quotas.takeOfProject(projectId);
    if (fullForSeconds !== undefined) return fcmAnswers.throttled(String(fullForSeconds));
    const checked = checkSendRequest(request.body);
    return checked.ok ? accept(request, checked, projectId) : checked.response;
  };

  const server = await startHttp2Server({
    tls: certificate,
    host,
    port: ports.messages,
    maxConcurrentStreams: 100,
    reply,
  });

  return {
    ...server,
    origin: `https://${name}:${server.port}`,
    tokenUri: tokenEndpoint.tokenUri,
    tokens,
    setQuota: quotas.set,
    /** The number of requests for tokens and of messages, whatever the answer. */
    requests: () => ({ tokens: tokenEndpoint.requests(), messages: requests }),
    /** Decides what happens to each message from now on; `undefined` lets the fake check it. */
    script: (next: (request: FakeRequest) => FakeReply | undefined = () => undefined): void => {
      script = next;
    },
    /** Simulates this fault in place of all others; `undefined` ends it. */
    playFault: (fault: Fault | undefined): void => faults.set(fault ? [fault] : []),
    playTokenFault: tokenEndpoint.playFault,
    /** Lets delayed requests go on at once. */
    endDelays: (): void => {
      delays.endAll();
      tokenEndpoint.endDelays();
    },
    stop: async (): Promise<void> => {
      await Promise.all([server.stop(), tokenEndpoint.stop()]);
      delays.endAll();
    },
  };
};

/** "Except for notification messages, all messages are non-collapsible by default"; their default key is the app's name. */
const collapseKeyOf = ({ android, notification }: SentMessage): string | undefined =>
  android?.collapse_key ?? (android?.notification || notification ? '' : undefined);
