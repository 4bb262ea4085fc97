import type { DownReason } from '@pushmesh/xmpp';
import type { ComponentConfig } from '../config.ts';

type Component = Pick<ComponentConfig, 'name' | 'stream'>;

const port = 'XMPP_SERVICE must be the component port of the server (XEP-0114), usually 5347';
const secret = ({ name }: Component) =>
  `XMPP_COMPONENT_SECRET, or the "secret" of ${name} in XMPP_COMPONENTS, must be the one that the server has for ${name}`;

/** By the condition of the server’s stream error (RFC 6120 §4.9.3): what has to be set otherwise. */
const byCondition: Readonly<Record<string, (component: Component) => string>> = {
  // ejabberd says so of a name that it does not know, too.
  'not-authorized': secret,
  // So does the port for clients of Prosody.
  'host-unknown': ({ name }) => `the server must have the component ${name} that XMPP_COMPONENTS names; ${port}`,
  'invalid-namespace': () => port,
  conflict: ({ stream }) =>
    stream === 'shared'
      ? 'somebody else has a stream of this name, and the server allows one: several gateways need XMPP_STREAM=exclusive'
      : 'somebody else has a stream of this name, and it is no gateway with XMPP_STREAM=exclusive on this NATS',
};

/** By the cause, before the handshake was done: afterwards they say nothing about the port. */
const byEarlyCause: Readonly<Partial<Record<DownReason['cause'], string>>> = { timeout: port, xml: port };

/** What the operator may have to put right when a stream went down, in names of variables. */
export const hintOf = (
  { cause, condition = '' }: DownReason,
  component: Component,
  wasOnline: boolean,
): string | undefined => byCondition[condition]?.(component) ?? (wasOnline ? undefined : byEarlyCause[cause]);
