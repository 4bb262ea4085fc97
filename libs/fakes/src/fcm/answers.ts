import type { Answer } from '../http2-server.ts';

const fcmError = (errorCode: string) => ({
  '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError',
  errorCode,
});

const json = { 'content-type': 'application/json; charset=UTF-8' };

// google.rpc.Status as JSON: `details` has the FcmError where FCM itself refuses.
const refusal = (code: number, status: string, message: string, details: readonly object[] = []): Answer => ({
  type: 'answer',
  status: code,
  headers: json,
  body: JSON.stringify({ error: { code, message, status, ...(details.length > 0 && { details }) } }),
});

const withRetryAfter = (answer: Answer, retryAfter: string | undefined): Answer =>
  retryAfter === undefined ? answer : { ...answer, headers: { ...answer.headers, 'retry-after': retryAfter } };

/** 400 for a field that is not right (google.rpc.BadRequest). */
export const invalidField = (field: string, description: string): Answer =>
  refusal(400, 'INVALID_ARGUMENT', description, [
    { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field, description }] },
  ]);

/** 400 for what FCM itself finds wrong with a message. */
export const invalidMessage = (message: string): Answer =>
  refusal(400, 'INVALID_ARGUMENT', message, [fcmError('INVALID_ARGUMENT')]);

type Word = { readonly code: number; readonly status: string; readonly message: string };

/** "ErrorCode": FCM's own words, with the google.rpc.Code that they come with. */
const fcmWords: Readonly<Record<string, Word>> = {
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

/** google.rpc.Code by HTTP status: what Google says before FCM is asked, without FCM's own word. */
const rpcWords: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

const ofWord = (word: string): Answer => {
  const known = Object.hasOwn(fcmWords, word) ? fcmWords[word] : undefined;
  if (known) return refusal(known.code, known.status, known.message, [fcmError(word)]);
  const [code = '400'] = Object.entries(rpcWords).find(([, each]) => each === word) ?? [];
  return refusal(Number(code), word, word);
};

/** What FCM answers, in the words of its documentation. */
export const fcmAnswers = {
  ok: (name: string): Answer => ({ type: 'answer', status: 200, headers: json, body: JSON.stringify({ name }) }),
  badtoken: () => invalidMessage('The registration token is not a valid FCM registration token'),
  toolarge: () => invalidMessage('Android message is too big'),
  unregistered: () => ofWord('UNREGISTERED'),
  throttled: (retryAfter?: string) => withRetryAfter(ofWord('QUOTA_EXCEEDED'), retryAfter),
  unavailable: (retryAfter?: string) => withRetryAfter(ofWord('UNAVAILABLE'), retryAfter),
  unauthenticated: () => refusal(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.'),
  permissionDenied: () =>
    refusal(403, 'PERMISSION_DENIED', "Permission 'cloudmessaging.messages.create' denied on resource"),
  ofWord,
  /** Without the detail in which FCM's own word stands. */
  ofStatus: (status: number) => refusal(status, rpcWords[status] ?? 'UNKNOWN', 'Something went wrong.'),
  /** As front ends of Google answer, and the host of the old API. */
  html: (status: number): Answer => ({
    type: 'answer',
    status,
    headers: { 'content-type': 'text/html; charset=UTF-8' },
    body: `<!DOCTYPE html><html lang=en><title>Error ${status}</title><p><b>${status}.</b> That’s an error.</html>`,
  }),
} as const;
