// RFC 7622 XMPP Address Format. Local parts and domains are case-folded; the rest of the PRECIS profiles is left to the
// XMPP server, which has checked every JID of its own users before it reaches us.

/** A parsed JID. Local part and domain are normalised, so two JIDs are equal if their parts are. */
export type Jid = { readonly local?: string; readonly domain: string; readonly resource?: string };

/** The most octets in one part of a JID (RFC 7622 §3.2–§3.4). */
const maxPartBytes = 1023;
/** Code points that a local part must not contain (RFC 7622 §3.3.1), and white space. */
const forbiddenInLocal = /["&'/:<>@\s\p{Cc}]/u;
const forbiddenInDomain = /["&'/<>@\s\p{Cc}]/u;

/** Parses a JID; `undefined` if `text` is not one. */
export const parseJid = (text: string): Jid | undefined => {
  const slash = text.indexOf('/');
  const bare = slash < 0 ? text : text.slice(0, slash);
  const resource = slash < 0 ? undefined : text.slice(slash + 1);
  const at = bare.indexOf('@');
  const local = at < 0 ? undefined : bare.slice(0, at).normalize('NFKC').toLowerCase();
  const domain = bare
    .slice(at + 1)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\.$/, '');
  if (!isPart(domain) || forbiddenInDomain.test(domain)) return undefined;
  if (local !== undefined && (!isPart(local) || forbiddenInLocal.test(local))) return undefined;
  if (resource !== undefined && !isPart(resource)) return undefined;
  return { domain, ...(local !== undefined && { local }), ...(resource !== undefined && { resource }) };
};

const isPart = (part: string): boolean => part.length > 0 && Buffer.byteLength(part) <= maxPartBytes;

/** `local@domain`, or `domain` when there is no local part. */
export const bareJid = ({ local, domain }: Jid): string => (local === undefined ? domain : `${local}@${domain}`);

/** The JID with its resource, if it has one. */
export const fullJid = (jid: Jid): string =>
  jid.resource === undefined ? bareJid(jid) : `${bareJid(jid)}/${jid.resource}`;
