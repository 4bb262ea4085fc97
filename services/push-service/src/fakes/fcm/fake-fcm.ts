import { actOf } from '../../adapters/sandbox/device-token.ts';
import type { Act } from '../../adapters/sandbox/device-token.ts';
import { createPause } from '../../adapters/sandbox/pause.ts';
import type { Certificate } from '../tls.ts';
import { fcmAnswers } from './answers.ts';
import { startMessageServer } from './message-server.ts';
import type { FcmReply, FcmRequest } from './message-server.ts';
import { judgeMessage } from './message-rules.ts';
import type { SentMessage } from './message-rules.ts';
import type { FakeServiceAccount } from './service-account.ts';
import { createTokenIssuer } from './token-issuer.ts';
import { startTokenServer } from './token-server.ts';

/** An outage to play, whichever device a message is for. */
export type FcmFault =
  | { readonly answer: 'unauthenticated' | 'thirdPartyAuth' | 'senderIdMismatch' | 'internal' | 'reset' | 'silence' }
  | { readonly answer: 'throttled' | 'unavailable'; readonly retryAfter?: string }
  | { readonly answer: 'html'; readonly status: number };

/** A message that a device got. */
export type FcmDelivery = {
  /** The registration token, installation ID, topic or condition. */
  readonly target: string;
  readonly projectId: string;
  readonly message: SentMessage;
  /** Milliseconds since 1970. */
  readonly at: number;
};

type Options = {
  readonly certificate: Certificate;
  /** May be added later by `tokens.trust`, as their key files name the token endpoint. */
  readonly accounts?: readonly FakeServiceAccount[];
  /** Seconds that an access token lives. */
  readonly tokenLifetimeSeconds?: number;
  readonly maxConcurrentStreams?: number;
  /** Milliseconds since 1970, by the clock of Google. */
  readonly clock?: () => number;
  readonly onDelivered?: (delivery: FcmDelivery) => void;
};

/**
 * Stands for FCM HTTP v1 and the OAuth endpoint in front of it: checks what they check, answers in their words. What
 * stands before the first dot of a registration token chooses the answer for this device (`actOf`).
 */
export const startFakeFcm = async ({
  certificate,
  accounts = [],
  tokenLifetimeSeconds = 3600,
  maxConcurrentStreams = 100,
  clock = Date.now,
  onDelivered,
}: Options) => {
  const tokens = createTokenIssuer({ accounts, lifetimeSeconds: tokenLifetimeSeconds, clock });
  const tokenServer = await startTokenServer({ certificate, clock, answer: tokens.answer });
  const pause = createPause();
  let fault: { readonly plays: FcmFault; times: number } | undefined;
  let requests = 0;
  let delivered = 0;

  const reply = async (request: FcmRequest): Promise<FcmReply> => {
    requests += 1;
    if (fault && fault.times > 0) {
      fault.times -= 1;
      return playFault(fault.plays);
    }
    const projectId = /^\/v1\/projects\/([^/]+)\/messages:send$/.exec(request.path)?.[1];
    if (projectId === undefined || request.method !== 'POST') return fcmAnswers.html(404);
    const account = tokens.accountOf(request.authorization.replace(/^Bearer /, ''));
    if (!account) return fcmAnswers.unauthenticated();
    if (account.projectId !== projectId) return fcmAnswers.permissionDenied();
    const judged = judgeMessage(request.body);
    return judged.ok ? deliver(judged.message, projectId) : judged.response;
  };

  const deliver = async (message: SentMessage, projectId: string): Promise<FcmReply> => {
    const target = message.token ?? message.fid ?? message.topic ?? message.condition ?? '';
    const act = actOf(target);
    if (act.type === 'slow') await pause.for(act.ms);
    const refused = refusalOf(act, message);
    if (refused) return refused;
    delivered += 1;
    onDelivered?.({ target, projectId, message, at: clock() });
    return fcmAnswers.ok(`projects/${projectId}/messages/0:${delivered}`);
  };

  const { origin, dropConnections, stop } = await startMessageServer({ certificate, maxConcurrentStreams, reply });

  return {
    origin,
    tokenUri: tokenServer.tokenUri,
    tokens,
    /** How many requests for tokens and messages came, whatever the answer. */
    requests: () => ({ tokens: tokenServer.requests(), messages: requests }),
    /** Answers the next `times` messages so; `undefined` ends it. */
    playFault: (next: FcmFault | undefined, times = Number.POSITIVE_INFINITY): void => {
      fault = next && { plays: next, times };
    },
    playTokenFault: tokenServer.playFault,
    dropConnections,
    stop: async (): Promise<void> => {
      pause.close();
      await Promise.all([stop(), tokenServer.stop()]);
    },
  };
};

const playFault = (fault: FcmFault): FcmReply => {
  switch (fault.answer) {
    case 'reset':
    case 'silence':
      return fault.answer;
    case 'html':
      return fcmAnswers.html(fault.status);
    case 'throttled':
    case 'unavailable':
      return fcmAnswers[fault.answer](fault.retryAfter);
    case 'unauthenticated':
    case 'thirdPartyAuth':
    case 'senderIdMismatch':
    case 'internal':
      return fcmAnswers[fault.answer]();
    default:
      return fault satisfies never;
  }
};

/** A body of at most this many bytes is short enough for a device that finds everything too large. */
const shortBodyBytes = 512;

const refusalOf = (act: Act, { android }: SentMessage): FcmReply | undefined => {
  if (act.type === 'accept' || act.type === 'slow') return undefined;
  if (act.type === 'reset') return 'reset';
  if (act.type === 'throttled') return fcmAnswers.throttled('2');
  if (act.type !== 'toolarge') return fcmAnswers[act.type]();
  const tooLarge = act.always || Buffer.byteLength(android?.notification?.body ?? '') > shortBodyBytes;
  return tooLarge ? fcmAnswers.toolarge() : undefined;
};
