import type { Answer } from '../http2-reply.ts';

const fcmError = (errorCode: string) => ({
  '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError',
  errorCode,
});

const json = { 'content-type': 'application/json; charset=UTF-8' };

// google.rpc.Status as JSON. `details` contains the FcmError if FCM itself refuses.
const refusal = (code: number, status: string, message: string, details: readonly object[] = []): Answer => ({
  type: 'answer',
  status: code,
  headers: json,
  body: JSON.stringify({ error: { code, message, status, ...(details.length > 0 && { details }) } }),
});

const withRetryAfter = (answer: Answer, retryAfter: string | undefined): Answer =>
  retryAfter === undefined ? answer : { ...answer, headers: { ...answer.headers, 'retry-after': retryAfter } };

/** 400 for an invalid field (google.rpc.BadRequest). */
export const invalidField = (field: string, description: string): Answer =>
  refusal(400, 'INVALID_ARGUMENT', description, [
    { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field, description }] },
  ]);

/** 400 for a message that FCM itself finds invalid. */
export const invalidMessage = (message: string): Answer =>
  refusal(400, 'INVALID_ARGUMENT', message, [fcmError('INVALID_ARGUMENT')]);

type ErrorCode = { readonly code: number; readonly status: string; readonly message: string };

/** FCM's error codes ("ErrorCode"), each with its HTTP status and google.rpc.Code. */
const errorCodes: Readonly<Record<string, ErrorCode>> = {
  UNSPECIFIED_ERROR: { code: 500, status: 'INTERNAL', message: 'Unspecified error.' },
  INVALID_ARGUMENT: { code: 400, status: 'INVALID_ARGUMENT', message: 'Request contains an invalid argument.' },
  UNREGISTERED: { code: 404, status: 'NOT_FOUND', message: 'Requested entity was not found.' },
  SENDER_ID_MISMATCH: { code: 403, status: 'PERMISSION_DENIED', message: 'SenderId mismatch' },
  QUOTA_EXCEEDED: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Quota exceeded for quota metric.' },
  UNAVAILABLE: { code: 503, status: 'UNAVAILABLE', message: 'The service is currently unavailable.' },
  INTERNAL: { code: 500, status: 'INTERNAL', message: 'Internal error encountered.' },
  THIRD_PARTY_AUTH_ERROR: {
    code: 401,
    status: 'UNAUTHENTICATED',
    message: 'Auth error from APNS or Web Push Service',
  },
};

/** google.rpc.Code by HTTP status, for answers that come from Google's front ends and have no FCM error code. */
const rpcCodes: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

const ofErrorCode = (errorCode: string): Answer => {
  const known = Object.hasOwn(errorCodes, errorCode) ? errorCodes[errorCode] : undefined;
  if (known) return refusal(known.code, known.status, known.message, [fcmError(errorCode)]);
  const [code = '400'] = Object.entries(rpcCodes).find(([, each]) => each === errorCode) ?? [];
  return refusal(Number(code), errorCode, errorCode);
};

/** The answers of FCM, as documented. */
export const fcmAnswers = {
  ok: (name: string): Answer => ({ type: 'answer', status: 200, headers: json, body: JSON.stringify({ name }) }),
  badtoken: () => invalidMessage('The registration token is not a valid FCM registration token'),
  toolarge: () => invalidMessage('Android message is too big'),
  unregistered: () => ofErrorCode('UNREGISTERED'),
  throttled: (retryAfter?: string) => withRetryAfter(ofErrorCode('QUOTA_EXCEEDED'), retryAfter),
  unavailable: (retryAfter?: string) => withRetryAfter(ofErrorCode('UNAVAILABLE'), retryAfter),
  unauthenticated: () => refusal(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.'),
  permissionDenied: () =>
    refusal(403, 'PERMISSION_DENIED', "Permission 'cloudmessaging.messages.create' denied on resource"),
  ofErrorCode,
  /** Without the detail that holds FCM's error code. */
  ofStatus: (status: number) => refusal(status, rpcCodes[status] ?? 'UNKNOWN', 'Something went wrong.'),
  /** The answer of Google's front ends, and of the host of the legacy API. */
  html: (status: number): Answer => ({
    type: 'answer',
    status,
    headers: { 'content-type': 'text/html; charset=UTF-8' },
    body: `<!DOCTYPE html><html lang=en><title>Error ${status}</title><p><b>${status}.</b> That\u2019s an error.</html>`,
  }),
} as const;
