import { isIPv6 } from 'node:net';

/** What the address of a server may look like. */
type AddressRules = {
  /** Each without `://`. */
  readonly schemes: readonly string[];
  /** Whether the scheme may be left out. */
  readonly bare?: boolean;
  /** Whether a path may follow the host. */
  readonly path?: boolean;
  /** Where the credentials belong instead, as the end of an error message. */
  readonly credentials: string;
};

/** Whether `text` may hold a user, a password or a token before an `@` (RFC 3986 §3.2.1), however malformed it is. */
export const hasCredentials = (text: string): boolean => text.includes('@') && text.includes(':');

/** Why `text` is not such an address, quoting nothing but its scheme; `undefined` if it is valid. */
export const problemOfAddress = (text: string, rules: AddressRules): string | undefined => {
  if (text.includes('@')) return `has credentials in it: take them out; ${rules.credentials}`;
  const [, scheme, rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? [];
  return problemOfScheme(scheme, rules) ?? problemOfAuthority(`${scheme ?? 'tcp'}://`, rest, rules);
};

const problemOfScheme = (scheme: string | undefined, { schemes, bare = false }: AddressRules): string | undefined => {
  if (scheme === undefined ? bare : schemes.includes(scheme.toLowerCase())) return undefined;
  const found = scheme === undefined ? 'has no scheme' : `begins with ${scheme}://`;
  return `${found}; expected an address that begins with ${schemes.map((each) => `${each}://`).join(' or ')}`;
};

const problemOfAuthority = (scheme: string, rest: string, { path = false }: AddressRules): string | undefined => {
  const [, authority = '', after = ''] = /^([^/?#]*)(.*)$/s.exec(rest) ?? [];
  if (isIPv6(authority)) return 'has an IPv6 address without brackets: write [::1]:4222';
  if (/\s/.test(rest) || authority === '' || !URL.canParse(`${scheme}${authority}`))
    return 'has no host, or an invalid port';
  if (path) return /[?#]/.test(after) ? 'has more than host, port and path' : undefined;
  return after === '' || after === '/' ? undefined : 'has more than host and port';
};
