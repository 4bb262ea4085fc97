import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { parseJson } from '../../push/parse-json.ts';

/** A Google service account that may send for one Firebase project. The key object reveals nothing of itself in a log. */
export type ServiceAccount = {
  readonly projectId: string;
  readonly clientEmail: string;
  readonly privateKeyId: string;
  readonly privateKey: KeyObject;
  /** The account's token endpoint. */
  readonly tokenUri: string;
};

type ParsedServiceAccount =
  | { readonly ok: true; readonly account: ServiceAccount }
  /** In words for the operator, which quote nothing of what was read. */
  | { readonly ok: false; readonly problem: string };

const fields = ['project_id', 'client_email', 'private_key_id', 'private_key', 'token_uri'] as const;
type Fields = Readonly<Record<(typeof fields)[number], string>>;

/** Reads the JSON key file of a service account (Firebase console, "Service accounts"). */
export const parseServiceAccount = (text: string): ParsedServiceAccount => {
  const json = parseJson(text);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return problem('it is not a JSON object');
  const given = json as Readonly<Record<string, unknown>>;
  if (given['type'] !== 'service_account') return problem('its "type" is not "service_account"');
  const missing = fields.filter((name) => typeof given[name] !== 'string' || given[name] === '');
  if (missing.length > 0) return problem(`it lacks ${missing.map((name) => `"${name}"`).join(', ')}`);
  return toAccount(given as Fields);
};

const toAccount = (given: Fields): ParsedServiceAccount => {
  if (!/^[a-z0-9:.-]+$/i.test(given.project_id)) return problem('its "project_id" is not one');
  if (!URL.canParse(given.token_uri) || new URL(given.token_uri).protocol !== 'https:')
    return problem('its "token_uri" is not an https URL');
  const privateKey = parseKey(given.private_key);
  if (privateKey?.asymmetricKeyType !== 'rsa') return problem('its "private_key" is not an RSA key in PEM');
  return {
    ok: true,
    account: {
      projectId: given.project_id,
      clientEmail: given.client_email,
      privateKeyId: given.private_key_id,
      privateKey,
      tokenUri: given.token_uri,
    },
  };
};

const parseKey = (pem: string): KeyObject | undefined => {
  try {
    return createPrivateKey(pem);
  } catch {
    // OpenSSL's error helps nobody.
    return undefined;
  }
};

const problem = (what: string): ParsedServiceAccount => ({ ok: false, problem: what });
