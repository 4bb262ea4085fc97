import type { DownReason } from '@pushmesh/xmpp';
import type { ComponentConfig } from '../config.ts';

type Component = Pick<ComponentConfig, 'name' | 'stream'>;

const port = 'XMPP_SERVICE must be the component port of the server (XEP-0114), usually 5347';
const secret = ({ name }: Component) =>
  `XMPP_COMPONENT_SECRET, or the "secret" of ${name} in XMPP_COMPONENTS, must be the one that the server has for ${name}`;

/** By the condition of the server's stream error (RFC 6120 §4.9.3): which setting to correct. */
const byCondition: Readonly<Record<string, (component: Component) => string>> = {
  // ejabberd also says this about a name that it does not know.
  'not-authorized': secret,
  // Prosody's port for clients also says this.
  'host-unknown': ({ name }) => `the server must have the component ${name} that XMPP_COMPONENTS names; ${port}`,
  'invalid-namespace': () => port,
  conflict: ({ stream }) =>
    stream === 'shared'
      ? 'something else has a stream of this name, and the server allows only one: several gateways need XMPP_STREAM=exclusive'
      : 'something else has a stream of this name, and it is not a gateway with XMPP_STREAM=exclusive on this NATS',
};

/** By the cause of a failure before the end of the handshake; later these causes say nothing about the port. */
const byEarlyCause: Readonly<Partial<Record<DownReason['cause'], string>>> = { timeout: port, xml: port };

/** Which variables the operator may have to correct after a stream went down. */
export const hintOf = (
  { cause, condition = '' }: DownReason,
  component: Component,
  wasOnline: boolean,
): string | undefined => byCondition[condition]?.(component) ?? (wasOnline ? undefined : byEarlyCause[cause]);
