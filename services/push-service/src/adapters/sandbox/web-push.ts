import { parseJson } from '../../domain/parse-json.ts';
import type { WebPushMessage } from '../../domain/web-push-message.ts';
import { maxPlaintext } from '../web-push/encryption.ts';

/** What a Web Push service answers to the acts of a device. It does not tell since when a subscription is gone. */
export const webPushRefusals = {
  unregistered: () => ({ status: 410, body: '' }),
  badtoken: () => ({ status: 400, body: '' }),
  throttled: () => ({ status: 429, body: '', retryAfter: '2' }),
  unavailable: () => ({ status: 503, body: '' }),
  toolarge: () => ({ status: 413, body: '' }),
} as const;

/** What a Web Push service would answer: it sees the size of a message, and nothing else of it. */
export const answerAsWebPush = ({ payload }: WebPushMessage) => ({
  status: Buffer.byteLength(payload) > maxPlaintext ? 413 : 201,
  body: '',
});

/** What chooses the answer (`actOf`): the last step of the endpoint’s path. */
export const webPushToken = (deviceId: string): string => {
  const json = parseJson(deviceId) as { readonly endpoint?: unknown } | null | undefined;
  return String(json?.endpoint).split('/').at(-1) ?? '';
};
