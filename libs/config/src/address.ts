import { isIPv6 } from 'node:net';

/** What an address of a server may look like. */
type AddressRules = {
  /** Without `://`. */
  readonly schemes: readonly string[];
  /** Whether it may be without a scheme. */
  readonly bare?: boolean;
  /** Whether a path may follow the host. */
  readonly path?: boolean;
  /** Where the credentials go that must not be in it. */
  readonly credentials: string;
};

/** Whether there may be a user, a password or a token in front of an `@` (RFC 3986 §3.2.1), however badly it is written. */
export const hasCredentials = (text: string): boolean => text.includes('@') && text.includes(':');

/** Why `text` is no such address, without a word of what is in it; `undefined` when it is one. */
export const problemOfAddress = (text: string, rules: AddressRules): string | undefined => {
  if (text.includes('@')) return `has credentials in it: take them out; ${rules.credentials}`;
  const [, scheme, rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? [];
  return problemOfScheme(scheme, rules) ?? problemOfPlace(`${scheme ?? 'tcp'}://`, rest, rules);
};

const problemOfScheme = (scheme: string | undefined, { schemes, bare = false }: AddressRules): string | undefined => {
  if (scheme === undefined ? bare : schemes.includes(scheme.toLowerCase())) return undefined;
  const came = scheme === undefined ? 'has no scheme' : `begins with ${scheme}://`;
  return `${came}; expected an address that begins with ${schemes.map((each) => `${each}://`).join(' or ')}`;
};

const problemOfPlace = (scheme: string, place: string, { path = false }: AddressRules): string | undefined => {
  const [, authority = '', after = ''] = /^([^/?#]*)(.*)$/s.exec(place) ?? [];
  if (isIPv6(authority)) return 'has an IPv6 address without brackets: write [::1]:4222';
  if (/\s/.test(place) || authority === '' || !URL.canParse(`${scheme}${authority}`))
    return 'has no host, or a port that is none';
  if (path) return /[?#]/.test(after) ? 'has more than host, port and path' : undefined;
  return after === '' || after === '/' ? undefined : 'has more than host and port';
};
