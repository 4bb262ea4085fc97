import type { Mode } from '@pushmesh/contracts';
import { actOf } from '../behaviour.ts';
import type { Act } from '../behaviour.ts';
import { createFaults } from '../fault.ts';
import type { Fault, Faults } from '../fault.ts';
import { createHttp2Fake } from '../http2-server.ts';
import type { FakeReply, FakeRequest } from '../http2-server.ts';
import { between, createPause } from '../delays.ts';
import type { Certificate } from '../fake-authority.ts';
import { fcmAnswers } from './answers.ts';
import { refusalOf } from './simulated-answer.ts';
import { judgeMessage } from './message-rules.ts';
import type { RightRequest, SentMessage } from './message-rules.ts';
import { createQuotas } from './quota.ts';
import { createTokenIssuer } from './token-issuer.ts';
import { startTokenServer } from './token-endpoint.ts';

/** A message that a device got, or would have got. */
export type FcmDelivery = {
  /** The registration token, installation ID, topic or condition. */
  readonly target: string;
  readonly projectId: string;
  readonly message: SentMessage;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Milliseconds that FCM keeps it back, as there were too many collapsible ones. */
  readonly delayMs?: number;
};

type Options = {
  readonly certificate: Certificate;
  readonly host?: string;
  /** What clients call it. */
  readonly name?: string;
  /** 0: any free ones. */
  readonly ports?: { readonly messages: number; readonly tokens: number };
  /** Milliseconds since 1970, by the clock of Google. */
  readonly clock?: () => number;
  /** FCM knows no modes; a sender may keep a project for each. */
  readonly modeOf?: (projectId: string) => Mode | undefined;
  readonly faults?: Faults;
  readonly onDelivered?: (delivery: FcmDelivery) => void;
  /** A message that was right but for what is played on it. */
  readonly onRefused?: (delivery: FcmDelivery, act: Act) => void;
};

/**
 * Stands for FCM HTTP v1 and the OAuth endpoint in front of it: checks what they check, answers in their words. What
 * stands before the first dot of a registration token chooses the answer for this device (`actOf`).
 */
export const startFakeFcm = async (options: Options) => {
  const { certificate, host = '127.0.0.1', name = 'localhost', ports = { messages: 0, tokens: 0 } } = options;
  const {
    clock = Date.now,
    faults = createFaults(),
    modeOf = () => undefined,
    onDelivered = () => {},
    onRefused = () => {},
  } = options;
  // Whom it trusts comes later, by `trust`: key files name the token endpoint.
  const tokens = createTokenIssuer({ accounts: [], lifetimeSeconds: 3600, clock });
  const tokenServer = await startTokenServer({
    certificate,
    host,
    name,
    port: ports.tokens,
    clock,
    answer: tokens.answer,
  });
  const quotas = createQuotas(clock);
  const pause = createPause();
  let requests = 0;
  let delivered = 0;
  let script: (request: FakeRequest) => FakeReply | undefined = () => undefined;

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
    const full = quotas.takeOfProject(projectId);
    if (full !== undefined) return fcmAnswers.throttled(String(full));
    const judged = judgeMessage(request.body);
    return judged.ok ? received(request, judged, projectId) : judged.response;
  };

  const received = (request: FakeRequest, right: RightRequest, projectId: string): FakeReply | Promise<FakeReply> => {
    const { message } = right;
    const target = message.token ?? message.fid ?? message.topic ?? message.condition ?? '';
    const act = actFor(message, target, projectId);
    const delivery = { target, projectId, message, at: clock() };
    const play = () => played(request, delivery, act, right.validateOnly);
    return act.type === 'slow' ? pause.for(between(act.ms, act.mostMs)).then(play) : play();
  };

  const actFor = ({ token, fid }: SentMessage, target: string, projectId: string): Act => {
    const full = quotas.takeOfDevice(target);
    if (full !== undefined) return { type: 'throttled', retryAfter: { type: 'seconds', seconds: full } };
    return faults.actFor({ service: 'fcm', mode: modeOf(projectId), token: target }) ?? actOf(token ?? fid ?? '');
  };

  const played = (request: FakeRequest, delivery: FcmDelivery, act: Act, validateOnly: boolean): FakeReply => {
    if (request.isOver()) return { type: 'silence' };
    const { projectId, target, message } = delivery;
    const refused = refusalOf(act, message, clock());
    if (refused && !validateOnly) onRefused(delivery, act);
    if (refused) return refused;
    // Nobody gets it.
    if (validateOnly) return fcmAnswers.ok(`projects/${projectId}/messages/fake_message_id`);
    delivered += 1;
    const key = collapseKeyOf(message);
    const delayMs = key === undefined ? 0 : quotas.collapsibleDelay(target, key);
    onDelivered({ ...delivery, ...(delayMs > 0 && { delayMs }) });
    const answer = fcmAnswers.ok(`projects/${projectId}/messages/0:${delivered}`);
    return act.type === 'drip' ? { ...answer, overMs: act.ms } : answer;
  };

  const server = createHttp2Fake({
    tls: certificate,
    host,
    port: ports.messages,
    maxConcurrentStreams: 100,
    reply,
  });
  await server.start();

  return {
    ...server,
    origin: `https://${name}:${server.port()}`,
    tokenUri: tokenServer.tokenUri,
    tokens,
    setQuota: quotas.set,
    /** How many requests for tokens and messages came, whatever the answer. */
    requests: () => ({ tokens: tokenServer.requests(), messages: requests }),
    /** What is to happen to each message from now on, whatever it is; `undefined` lets it be judged. */
    script: (next: (request: FakeRequest) => FakeReply | undefined = () => undefined): void => {
      script = next;
    },
    /** Plays this alone; `undefined` ends it. */
    playFault: (fault: Fault | undefined): void => faults.set(fault ? [fault] : []),
    playTokenFault: tokenServer.playFault,
    /** Accepts now what is slow. */
    hurry: (): void => {
      pause.end();
      tokenServer.hurry();
    },
    stop: async (): Promise<void> => {
      await Promise.all([server.stop(), tokenServer.stop()]);
      pause.end();
    },
  };
};

/** "Except for notification messages, all messages are non-collapsible by default"; those have the app’s name for a key. */
const collapseKeyOf = ({ android, notification }: SentMessage): string | undefined =>
  android?.collapse_key ?? (android?.notification || notification ? '' : undefined);
