import { fcmPayloadBytes, fcmPayloadLimit } from '../../domain/fcm-message.ts';
import type { FcmMessage } from '../../domain/fcm-message.ts';
import type { ProviderResponse } from '../../domain/provider-response.ts';

const refusal = (code: number, status: string, errorCode: string, message: string): ProviderResponse => {
  const details = [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode }];
  return { status: code, body: JSON.stringify({ error: { code, message, status, details } }) };
};
const invalid = (message: string) => refusal(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', message);
const tooBig = () => invalid('Android message is too big');

/** What FCM answers to the acts of a device. FCM does not tell since when a token is dead. */
export const fcmRefusals = {
  unregistered: () => refusal(404, 'NOT_FOUND', 'UNREGISTERED', 'Requested entity was not found.'),
  badtoken: () => invalid('The registration token is not a valid FCM registration token'),
  throttled: () => ({
    ...refusal(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED', 'Quota exceeded.'),
    retryAfter: '2',
  }),
  unavailable: () => refusal(503, 'UNAVAILABLE', 'UNAVAILABLE', 'The service is currently unavailable.'),
  toolarge: tooBig,
} as const;

/** What FCM would answer to this message, as far as it can be told from the message alone. */
export const answerAsFcm = (message: FcmMessage): ProviderResponse => {
  if (message.token === '') return invalid('The registration token is not a valid FCM registration token');
  const data = Object.entries(message.data ?? {});
  if (data.some(([, value]) => typeof value !== 'string'))
    return invalid('Invalid value at message.data: string wanted');
  if (data.some(([key]) => isReserved(key))) return invalid('Invalid data payload key');
  return fcmPayloadBytes(message) > fcmPayloadLimit ? tooBig() : { status: 200, body: '{}' };
};

// FCM HTTP v1 "Message.data": `from`, `message_type` and everything that begins with `google.` or `gcm.`
const isReserved = (key: string): boolean =>
  key === '' || key === 'from' || key === 'message_type' || key.startsWith('google.') || key.startsWith('gcm.');
