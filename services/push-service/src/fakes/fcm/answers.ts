/** An answer of the fake. */
export type FcmResponse = {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
};

const fcmError = (errorCode: string) => ({
  '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError',
  errorCode,
});

// google.rpc.Status as JSON: `details` has the FcmError where FCM itself refuses.
const refusal = (code: number, status: string, message: string, details: readonly object[] = []): FcmResponse => ({
  status: code,
  body: JSON.stringify({ error: { code, message, status, ...(details.length > 0 && { details }) } }),
});

const withRetryAfter = (response: FcmResponse, retryAfter: string | undefined): FcmResponse =>
  retryAfter === undefined ? response : { ...response, headers: { 'retry-after': retryAfter } };

/** 400 for a field that is not right (google.rpc.BadRequest). */
export const invalidField = (field: string, description: string): FcmResponse =>
  refusal(400, 'INVALID_ARGUMENT', description, [
    { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field, description }] },
  ]);

/** 400 for what FCM itself finds wrong with a message. */
export const invalidMessage = (message: string): FcmResponse =>
  refusal(400, 'INVALID_ARGUMENT', message, [fcmError('INVALID_ARGUMENT')]);

/** What FCM answers, by the words of its documentation ("ErrorCode"). */
export const fcmAnswers = {
  ok: (name: string): FcmResponse => ({ status: 200, body: JSON.stringify({ name }) }),
  badtoken: () => invalidMessage('The registration token is not a valid FCM registration token'),
  toolarge: () => invalidMessage('Android message is too big'),
  unregistered: () => refusal(404, 'NOT_FOUND', 'Requested entity was not found.', [fcmError('UNREGISTERED')]),
  throttled: (retryAfter?: string) =>
    withRetryAfter(
      refusal(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for quota metric.', [fcmError('QUOTA_EXCEEDED')]),
      retryAfter,
    ),
  unavailable: (retryAfter?: string) =>
    withRetryAfter(
      refusal(503, 'UNAVAILABLE', 'The service is currently unavailable.', [fcmError('UNAVAILABLE')]),
      retryAfter,
    ),
  internal: () => refusal(500, 'INTERNAL', 'Internal error encountered.', [fcmError('INTERNAL')]),
  unauthenticated: () => refusal(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.'),
  thirdPartyAuth: () =>
    refusal(401, 'UNAUTHENTICATED', 'Auth error from APNS or Web Push Service', [fcmError('THIRD_PARTY_AUTH_ERROR')]),
  senderIdMismatch: () => refusal(403, 'PERMISSION_DENIED', 'SenderId mismatch', [fcmError('SENDER_ID_MISMATCH')]),
  permissionDenied: () =>
    refusal(403, 'PERMISSION_DENIED', "Permission 'cloudmessaging.messages.create' denied on resource"),
  /** As front ends of Google answer, and the host of the old API. */
  html: (status: number): FcmResponse => ({
    status,
    headers: { 'content-type': 'text/html; charset=UTF-8' },
    body: `<!DOCTYPE html><html lang=en><title>Error ${status}</title><p><b>${status}.</b> That’s an error.</html>`,
  }),
} as const;
