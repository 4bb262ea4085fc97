import type { Problem } from '@pushmesh/config';
import { Type } from 'typebox';
import type { Static, TObject } from 'typebox';
import type { Loaded } from '../credentials/loaded.ts';
import { flag, word } from '../settings/variables.ts';
import { parseVapidIdentity } from './vapid.ts';
import type { VapidIdentity } from './vapid.ts';

export const webPushVariables = {
  PUSH_WEBPUSH_ENABLED: flag('whether pushes go to Web Push services: browsers and UnifiedPush apps'),
  PUSH_WEBPUSH_VAPID_KEY: Type.Optional(
    Type.String({
      secret: true,
      description:
        'the private VAPID key: PEM of P-256 (`openssl ecparam -name prime256v1 -genkey -noout`) or its 32 bytes in base64url; give a path in PUSH_WEBPUSH_VAPID_KEY_FILE. The public one, which apps subscribe with, is logged at start',
      examples: ['PUSH_WEBPUSH_VAPID_KEY_FILE=/run/secrets/vapid.pem'],
    }),
  ),
  PUSH_WEBPUSH_SUBJECT: word(
    'how push services reach the operator: a mailto: or https: URI (RFC 8292 §2.1)',
    'mailto:push@example.org',
  ),
  PUSH_WEBPUSH_ALLOW_PRIVATE: Type.Boolean({
    default: false,
    description:
      'whether endpoints may have private addresses; anybody who may enable push can then make push-service post to hosts in your network',
    examples: [false],
  }),
};

export type WebPushValues = Static<TObject<typeof webPushVariables>>;

/** The one pool of Web Push, for the push services of all subscriptions. */
export type WebPushSettings = {
  readonly service: 'webpush';
  readonly name: 'webpush';
  readonly tags: readonly [];
  readonly loaded: Loaded<VapidIdentity>;
  readonly allowPrivate: boolean;
};

/** The pool, if its key and subject are good. */
export const readWebPushPools = (values: WebPushValues, problems: Problem[]): readonly WebPushSettings[] => {
  const { PUSH_WEBPUSH_VAPID_KEY: key, PUSH_WEBPUSH_SUBJECT: subject, PUSH_WEBPUSH_ALLOW_PRIVATE } = values;
  const parsed = parseVapidIdentity(key ?? '', subject ?? '');
  if (parsed.ok) return [toWebPushSettings(parsed.identity, PUSH_WEBPUSH_ALLOW_PRIVATE)];
  const add = (variable: string, given: string | undefined, problem: string | undefined): void => {
    if (problem !== undefined) problems.push({ variable, why: given === undefined ? notSet : problem });
  };
  add('PUSH_WEBPUSH_VAPID_KEY', key, parsed.problems.key);
  add('PUSH_WEBPUSH_SUBJECT', subject, parsed.problems.subject);
  return [];
};

export const toWebPushSettings = (identity: VapidIdentity, allowPrivate: boolean): WebPushSettings => ({
  service: 'webpush',
  name: 'webpush',
  tags: [],
  loaded: { digest: identity.publicKey, read: { ok: true, credentials: identity } },
  allowPrivate,
});

const notSet = 'is not set, though PUSH_WEBPUSH_ENABLED is true';
