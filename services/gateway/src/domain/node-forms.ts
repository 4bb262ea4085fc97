// XEP-0060 §5.7, §8.2 and §8.9: what owners see of their push nodes
import { ns, xml } from '@pushmesh/xmpp';
import type { Element } from '@pushmesh/xmpp';
import type { Affiliation, PublishModel } from '@pushmesh/contracts';

/** The affiliations with a node (XEP-0060 §8.9.1). */
export const affiliationsOf = (
  node: string,
  affiliations: readonly { readonly jid: string; readonly affiliation: Affiliation }[],
): Element =>
  xml(
    'pubsub',
    { xmlns: ns.pubsubOwner },
    xml('affiliations', { node }, ...affiliations.map((each) => xml('affiliation', each))),
  );

/** Prosody cuts a component's stream over a stanza of more than 512 KiB, and with it everybody's pushes. */
const maxListBytes = 131_072;

/** As many of the nodes as one answer can hold; a `"` in a name takes the six octets of `&quot;`. */
export const listable = (nodes: readonly string[]): readonly string[] => {
  let left = maxListBytes;
  return nodes.filter((node) => {
    left -= Buffer.byteLength(node) + 5 * (node.match(/["'&<>]/g)?.length ?? 0);
    return left >= 0;
  });
};

/** The requester's own affiliations: the nodes that they own (XEP-0060 §5.7). */
export const ownAffiliations = (nodes: readonly string[]): Element =>
  xml(
    'pubsub',
    { xmlns: ns.pubsub },
    xml('affiliations', {}, ...nodes.map((node) => xml('affiliation', { node, affiliation: 'owner' }))),
  );

/** The configuration form of a node (XEP-0060 §8.2.1). It shows neither the secret nor whether there is one. */
export const configurationOf = (node: string, publishModel: PublishModel): Element =>
  xml(
    'pubsub',
    { xmlns: ns.pubsubOwner },
    xml(
      'configure',
      { node },
      xml(
        'x',
        { xmlns: ns.dataForms, type: 'form' },
        xml('field', { var: 'FORM_TYPE', type: 'hidden' }, xml('value', {}, ns.nodeConfig)),
        choice('pubsub#access_model', 'Who may see the node', 'whitelist', ['whitelist']),
        choice('pubsub#publish_model', 'Who may publish', publishModel, ['publishers', 'open']),
        xml('field', {
          var: 'secret',
          type: 'text-private',
          label: 'What publish-options must hold; an empty value: nothing',
        }),
      ),
    ),
  );

const choice = (name: string, label: string, value: string, options: readonly string[]): Element =>
  xml(
    'field',
    { var: name, type: 'list-single', label },
    ...options.map((each) => xml('option', {}, xml('value', {}, each))),
    xml('value', {}, value),
  );
