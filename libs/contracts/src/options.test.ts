import { expect, it } from 'vitest';
import { deviceOf } from './index.ts';

const endpoint = 'https://push.example/secret-token';
const subscription = JSON.stringify({ endpoint, expirationTime: null, keys: { p256dh: 'B', auth: 'a' } });
const flatSubscription = JSON.stringify({ endpoint, p256dh: 'B', auth: 'a' });

it.each([
  [
    { service: 'apns', device_id: 't' },
    { service: 'apns', mode: 'prod', deviceId: 't' },
  ],
  [
    { service: 'fcm', device: 't', mode: 'dev' },
    { service: 'fcm', mode: 'dev', deviceId: 't' },
  ],
  [
    { service: 'webpush', device_id: subscription },
    { service: 'webpush', mode: 'prod', deviceId: subscription },
  ],
  [
    { service: 'webpush', device_id: flatSubscription },
    { service: 'webpush', mode: 'prod', deviceId: flatSubscription },
  ],
  [
    { service: 'fcm', device_id: 'a', device: 'b', mode: '' },
    { service: 'fcm', mode: 'prod', deviceId: 'a' },
  ],
])('%j says where to push', (options, device) => {
  expect(deviceOf(options)).toEqual(device);
});

it.each([
  [{}, 'service and device_id'],
  [{ service: 'apns' }, 'service and device_id'],
  [{ service: 'apns', device_id: '' }, 'service and device_id'],
  [{ device_id: 'secret-token' }, 'service and device_id'],
  [{ service: 'fcm', device_id: 'ü'.repeat(2_049) }, 'at most 4096 octets'],
  [{ service: 'pigeon', device_id: 'secret-token' }, 'service must be one of apns, fcm, webpush'],
  [{ service: 'webpush', device_id: endpoint }, 'must be the JSON text of a subscription'],
  [{ service: 'webpush', device_id: JSON.stringify({ endpoint }) }, 'must be the JSON text of a subscription'],
  [{ service: 'webpush', device_id: subscription.replace('https', 'http') }, '"endpoint":"https://'],
  [{ service: 'webpush', device_id: 'null' }, 'must be the JSON text of a subscription'],
  [{ service: 'apns', device_id: 'secret-token', mode: 'test' }, 'mode must be one of prod, dev'],
])('%j is refused in words that contain no token', (options, why) => {
  const fault = deviceOf(options);
  expect(fault).toEqual({ why: expect.stringContaining(why) as string });
  expect(JSON.stringify(fault)).not.toContain('secret-token');
});
