import { createECDH, randomBytes } from 'node:crypto';
import type { UserAgentKeys } from './decryption.ts';

/** What the push service and the user agent know of a subscription. */
export type Subscription = UserAgentKeys & {
  /** The only key that may push, base64url; if absent, every key may (RFC 8292 §4). */
  readonly applicationServerKey?: string;
};

/** The subscriptions of all devices, by name; beyond `max` the oldest is forgotten. */
export const createSubscriptions = (max: number) => {
  const byDevice = new Map<string, Subscription>();
  return {
    /** Replaces the subscription of the device. Returns its public key and authentication secret, base64url. */
    add: (
      device: string,
      applicationServerKey: string | undefined,
    ): { readonly p256dh: string; readonly auth: string } => {
      const keys = createECDH('prime256v1');
      const p256dh = keys.generateKeys('base64url');
      const auth = randomBytes(16);
      byDevice.delete(device);
      byDevice.set(device, { keys, auth, ...(applicationServerKey !== undefined && { applicationServerKey }) });
      const [oldest] = byDevice.keys();
      if (byDevice.size > max && oldest !== undefined) byDevice.delete(oldest);
      return { p256dh, auth: auth.toString('base64url') };
    },
    get: (device: string): Subscription | undefined => byDevice.get(device),
    clear: (): void => byDevice.clear(),
  };
};
