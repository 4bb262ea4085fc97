import type { Problem } from '@pushmesh/config';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { parseVapidIdentity } from './vapid.ts';
import type { VapidIdentity } from './vapid.ts';

export const webPushVariables = {
  PUSH_WEBPUSH_ENABLED: Type.Boolean({
    default: false,
    description: 'whether pushes go to Web Push services: browsers and UnifiedPush apps',
    examples: [true],
  }),
  PUSH_WEBPUSH_VAPID_KEY: Type.Optional(
    Type.String({
      secret: true,
      description:
        'the private VAPID key: PEM of P-256 (`openssl ecparam -name prime256v1 -genkey -noout`) or its 32 bytes in base64url; give a path in PUSH_WEBPUSH_VAPID_KEY_FILE. The public one, which apps subscribe with, is logged at start',
      examples: ['PUSH_WEBPUSH_VAPID_KEY_FILE=/run/secrets/vapid.pem'],
    }),
  ),
  PUSH_WEBPUSH_SUBJECT: Type.Optional(
    Type.String({
      description: 'how push services reach the operator: a mailto: or https: URI (RFC 8292 §2.1)',
      examples: ['mailto:push@example.org'],
    }),
  ),
  PUSH_WEBPUSH_ALLOW_PRIVATE: Type.Boolean({
    default: false,
    description:
      'whether endpoints may have private addresses; whoever may enable push can then make push-service post to hosts of your network',
    examples: [false],
  }),
};

export type WebPushSettings = { readonly identity: VapidIdentity; readonly allowPrivate: boolean };

const schema = Type.Object(webPushVariables);
const because = 'though PUSH_WEBPUSH_ENABLED is true';

/** Reads them when Web Push is enabled; else `undefined`. Every problem names its variable. */
export const readWebPushSettings = (
  values: Static<typeof schema>,
  problems: Problem[],
): WebPushSettings | undefined => {
  const { PUSH_WEBPUSH_ENABLED, PUSH_WEBPUSH_VAPID_KEY: key, PUSH_WEBPUSH_SUBJECT: subject } = values;
  if (!PUSH_WEBPUSH_ENABLED) return undefined;
  const parsed = parseVapidIdentity(key ?? '', subject ?? '');
  if (parsed.ok) return { identity: parsed.identity, allowPrivate: values.PUSH_WEBPUSH_ALLOW_PRIVATE };
  const add = (variable: string, given: string | undefined, problem: string | undefined): void => {
    if (problem !== undefined)
      problems.push({ variable, why: given === undefined ? `is not set, ${because}` : problem });
  };
  add('PUSH_WEBPUSH_VAPID_KEY', key, parsed.problems.key);
  add('PUSH_WEBPUSH_SUBJECT', subject, parsed.problems.subject);
  return undefined;
};
