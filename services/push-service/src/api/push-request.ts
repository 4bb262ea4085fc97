import { RequestV1, RequestV3 } from '@pushmesh/contracts';
import type { PushApiVersion } from '@pushmesh/contracts';
import { castRequest } from './cast-request.ts';
import type { Cast } from './cast-request.ts';
import type { Notification } from '../push/notification.ts';

/** Reads the JSON body of `POST /{version}/notification/{device_id}`. */
export const readPushRequest = (version: PushApiVersion, deviceId: string, body: unknown): Cast<Notification> =>
  version === 'v1' ? readFlat(deviceId, body) : readDeep(deviceId, body);

const readFlat = (device_id: string, body: unknown): Cast<Notification> => {
  const request = castRequest(RequestV1, body);
  if (!request.ok) return request;
  const { service, mode = 'prod', topic, data, ...alert } = request.value;
  return {
    ok: true,
    value: {
      device_id,
      service,
      mode,
      tags: [],
      alert,
      ...(topic !== undefined && { topic }),
      ...(data !== undefined && { data }),
    },
  };
};

const readDeep = (device_id: string, body: unknown): Cast<Notification> => {
  const request = castRequest(kinds[kindOf(body)], body);
  if (!request.ok) return request;
  const { mode = 'prod', tags = [], ...rest } = request.value;
  return { ok: true, value: { device_id, mode, tags, ...rest } };
};

// MongoosePush has a schema for each kind of request; they differ in what is required. Without alert and data, the alert is
// reported as missing.
const kinds = {
  alert: { ...RequestV3, required: ['service', 'alert'] },
  silent: { ...RequestV3, required: ['service', 'data'] },
  mixed: { ...RequestV3, required: ['service', 'alert', 'data'] },
} as const;

const kindOf = (body: unknown): keyof typeof kinds => {
  if (typeof body !== 'object' || body === null || !('data' in body)) return 'alert';
  return 'alert' in body ? 'mixed' : 'silent';
};
