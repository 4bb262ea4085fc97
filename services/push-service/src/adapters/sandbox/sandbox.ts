import { modes, pushServices } from '@pushmesh/contracts';
import type { Mode, PushService } from '@pushmesh/contracts';
import { toApnsMessage } from '../../domain/apns-message.ts';
import { toApnsAnswer } from '../../domain/apns-outcome.ts';
import { refuse } from '../../domain/category.ts';
import type { ProviderAnswer } from '../../domain/category.ts';
import { toFcmMessage } from '../../domain/fcm-message.ts';
import { toFcmAnswer } from '../../domain/fcm-outcome.ts';
import type { Notification } from '../../domain/notification.ts';
import type { ProviderResponse } from '../../domain/provider-response.ts';
import { toWebPushMessage } from '../../domain/web-push-message.ts';
import { toWebPushAnswer } from '../../domain/web-push-outcome.ts';
import type { Provider, PushContext } from '../../ports.ts';
import { parseSubscription } from '../web-push/subscription.ts';
import { answerAsApns, apnsRefusals } from './apns.ts';
import { actOf } from './device-token.ts';
import type { Act } from './device-token.ts';
import { createEvents } from './events.ts';
import { actOfFault } from './fault.ts';
import type { Fault } from './fault.ts';
import { answerAsFcm, fcmRefusals } from './fcm.ts';
import { createFirstSeen } from './first-seen.ts';
import { createPause } from './pause.ts';
import { createPhones } from './phones.ts';
import type { Received } from './phones.ts';
import { answerAsWebPush, webPushRefusals, webPushToken } from './web-push.ts';

type Options = {
  /** The topic of APNs requests that name none. */
  readonly apnsTopic: string;
  readonly maxPhones: number;
  /** For each phone. */
  readonly maxNotifications: number;
  readonly maxSubscribers: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Called with how many notifications were forgotten because a bound was reached. */
  readonly onEvicted: (count: number) => void;
};

/**
 * Stands for FCM, APNs and Web Push in both modes: makes the message that would go out, checks what they check, answers as they
 * do and keeps what a phone would have got. The token of a device chooses its answer (`actOf`), a fault that of all.
 */
export const createSandbox = ({
  apnsTopic,
  maxPhones,
  maxNotifications,
  maxSubscribers,
  clock,
  onEvicted,
}: Options) => {
  const phones = createPhones({ maxPhones, maxNotifications }, onEvicted);
  const events = createEvents({ maxSubscribers, maxWaitingBytes: 1_048_576, heartbeatMs: 15_000 });
  const deadSince = createFirstSeen(maxPhones);
  const pause = createPause();
  let fault: Fault | undefined;
  let count = 0;

  const deliver = (received: Omit<Received, 'id'>) => {
    const numbered = { id: ++count, ...received };
    phones.keep(numbered);
    events.publish(numbered.id, numbered);
  };

  const push = async (notification: Notification, { hangUp }: PushContext): Promise<ProviderAnswer> => {
    const { service, mode, device_id } = notification;
    const act = actOfFault(fault, service, mode) ?? actOf(service === 'webpush' ? webPushToken(device_id) : device_id);
    if (act.type === 'slow') await pause.for(act.ms);
    if (act.type === 'reset') {
      hangUp();
      return refuse('connection_lost');
    }
    return services[service](notification, act, clock());
  };

  const services: Readonly<Record<PushService, (notification: Notification, act: Act, now: number) => ProviderAnswer>> =
    {
      apns: (notification, act, now) => {
        const mapped = toApnsMessage(notification, { defaultTopic: apnsTopic, now });
        if (!mapped.ok) return refuse('invalid_notification');
        const { headers, payload } = mapped.message;
        const dead = () => apnsRefusals.unregistered(deadSince(notification.device_id, now));
        const response = refusalOf(act, notification, { ...apnsRefusals, unregistered: dead });
        const answer = toApnsAnswer(response ?? answerAsApns(mapped.message), now);
        const tag = headers['apns-collapse-id'];
        const sent = {
          ...(tag !== undefined && { tag }),
          ...(headers['apns-topic'] !== undefined && { topic: headers['apns-topic'] }),
          ...(headers['apns-push-type'] !== undefined && { push_type: headers['apns-push-type'] }),
          provider: { headers, payload },
        };
        if (answer.category === 'ok') deliver({ ...shown(notification, now), ...sent });
        return answer;
      },
      fcm: (notification, act, now) => {
        const message = toFcmMessage(notification);
        const answer = toFcmAnswer(refusalOf(act, notification, fcmRefusals) ?? answerAsFcm(message), now);
        const tag = notification.alert?.tag;
        if (answer.category === 'ok')
          deliver({ ...shown(notification, now), ...(tag !== undefined && { tag }), provider: message });
        return answer;
      },
      webpush: (notification, act, now) => {
        const parsed = parseSubscription(notification.device_id);
        if (!parsed.ok) return { category: 'invalid_request', reason: parsed.problem };
        const message = toWebPushMessage(notification);
        const response = refusalOf(act, notification, webPushRefusals) ?? answerAsWebPush(message);
        const answer = toWebPushAnswer(response, now);
        const tag = notification.alert?.tag;
        if (answer.category === 'ok')
          deliver({ ...shown(notification, now), ...(tag !== undefined && { tag }), provider: message });
        return answer;
      },
    };

  const provider = (service: PushService, mode: Mode): Provider => ({
    name: `${service}_${mode}`,
    service,
    mode,
    tags: [],
    push,
    connections: () => ({ connected: 1, disconnected: 0 }),
  });

  return {
    providers: pushServices.flatMap((service) => modes.map((mode) => provider(service, mode))),
    phones,
    events,
    playFault: (next: Fault | undefined) => {
      fault = next;
    },
    /** Ends the event streams and answers everything that waits. */
    close: () => {
      pause.close();
      events.close();
    },
  };
};

export type Sandbox = ReturnType<typeof createSandbox>;

const shown = ({ device_id, service, mode, alert, data, priority }: Notification, now: number) => {
  const { tag: _tag, ...visible } = alert ?? {};
  return {
    device_id,
    service,
    mode,
    ...visible,
    ...(data && { data }),
    ...(priority && { priority }),
    received_at: now,
  };
};

/** A body of at most this many bytes is short enough for a device that finds everything too large. */
const shortBodyBytes = 512;

type Refusals = Readonly<
  Record<'unregistered' | 'badtoken' | 'throttled' | 'unavailable' | 'toolarge', () => ProviderResponse>
>;

/** The refusal that the act asks for; none when the push service itself may judge. */
const refusalOf = (act: Act, { alert }: Notification, refusals: Refusals): ProviderResponse | undefined => {
  if (act.type === 'accept' || act.type === 'slow' || act.type === 'reset') return undefined;
  if (act.type !== 'toolarge') return refusals[act.type]();
  const tooLarge = act.always || Buffer.byteLength(alert?.body ?? '') > shortBodyBytes;
  return tooLarge ? refusals.toolarge() : undefined;
};
