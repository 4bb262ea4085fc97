import { apnsPayloadLimits } from '../../domain/apns-message.ts';
import type { ApnsMessage } from '../../domain/apns-message.ts';
import type { ProviderResponse } from '../../domain/provider-response.ts';

const refusal = (status: number, reason: string, more: object = {}): ProviderResponse => ({
  status,
  body: JSON.stringify({ reason, ...more }),
});

/** What APNs answers to the acts of a device; `timestamp` is milliseconds since 1970. */
export const apnsRefusals = {
  unregistered: (timestamp: number) => refusal(410, 'Unregistered', { timestamp }),
  badtoken: () => refusal(400, 'BadDeviceToken'),
  throttled: () => ({ ...refusal(429, 'TooManyRequests'), retryAfter: '2' }),
  unavailable: () => refusal(503, 'ServiceUnavailable'),
  toolarge: () => refusal(413, 'PayloadTooLarge'),
} as const;

const isOneOf = (values: readonly string[], value: string | undefined) => value !== undefined && values.includes(value);

type Check = { readonly status: number; readonly reason: string; readonly fails: (message: ApnsMessage) => boolean };

/** In the order in which APNs notices: who, what about, how, how much. */
const checks: readonly Check[] = [
  { status: 400, reason: 'MissingDeviceToken', fails: ({ path }) => !/^\/3\/device\/./.test(path) },
  { status: 400, reason: 'MissingTopic', fails: ({ headers }) => !headers['apns-topic'] },
  {
    status: 400,
    reason: 'InvalidPushType',
    fails: ({ headers }) => !Object.hasOwn(apnsPayloadLimits, headers['apns-push-type'] ?? ''),
  },
  {
    status: 400,
    reason: 'TopicDisallowed',
    fails: ({ headers }) => headers['apns-push-type'] === 'voip' && !headers['apns-topic']?.endsWith('.voip'),
  },
  {
    status: 400,
    reason: 'BadPriority',
    fails: ({ headers: { 'apns-priority': priority, 'apns-push-type': type } }) =>
      type === 'background' ? priority !== '5' : !isOneOf(['1', '5', '10'], priority ?? '10'),
  },
  {
    status: 400,
    reason: 'BadExpirationDate',
    fails: ({ headers }) => !/^\d+$/.test(headers['apns-expiration'] ?? '0'),
  },
  {
    status: 400,
    reason: 'BadCollapseId',
    fails: ({ headers }) => Buffer.byteLength(headers['apns-collapse-id'] ?? '') > 64,
  },
  { status: 400, reason: 'PayloadEmpty', fails: ({ payload }) => Object.keys(payload).length === 0 },
  {
    status: 413,
    reason: 'PayloadTooLarge',
    fails: ({ headers, payload }) =>
      Buffer.byteLength(JSON.stringify(payload)) >
      apnsPayloadLimits[headers['apns-push-type'] as keyof typeof apnsPayloadLimits],
  },
];

/** What APNs would answer to this request, as far as it can be told from the request alone. */
export const answerAsApns = (message: ApnsMessage): ProviderResponse => {
  const failed = checks.find(({ fails }) => fails(message));
  return failed ? refusal(failed.status, failed.reason) : { status: 200, body: '' };
};
