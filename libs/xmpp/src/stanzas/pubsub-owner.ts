// XEP-0060 Publish-Subscribe, version 1.30.0, §8.9: an owner manages the affiliations of a node
import { childElements } from '../iq.ts';
import { bareJid, parseJid } from '../jid.ts';
import { ns } from '../namespaces.ts';
import type { Element } from '../xml.ts';
import type { Malformed } from './push.ts';

const affiliations = ['owner', 'publisher', 'publish-only', 'member', 'outcast', 'none'] as const;

/** The affiliation that an owner gives to somebody; `jid` is bare. */
export type AffiliationChange = { readonly jid: string; readonly affiliation: (typeof affiliations)[number] };

/** Reads the children of `<affiliations/>`; one invalid child invalidates them all, as in MongooseIM. */
export const readAffiliations = (element: Element): readonly AffiliationChange[] | Malformed => {
  const changes: AffiliationChange[] = [];
  for (const child of childElements(element)) {
    if (!child.is('affiliation', ns.pubsubOwner)) return { malformed: 'affiliations: only affiliation is expected' };
    const jid = parseJid((child.attrs['jid'] as string | undefined) ?? '');
    if (!jid) return { malformed: 'affiliation: jid must be a JID' };
    const affiliation = affiliations.find((each) => each === child.attrs['affiliation']);
    if (!affiliation) return { malformed: `affiliation: affiliation must be one of ${affiliations.join(', ')}` };
    changes.push({ jid: bareJid(jid), affiliation });
  }
  return changes;
};
