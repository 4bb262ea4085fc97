import { decideAuthorisation } from '../domain/authorise.ts';
import { reply } from './handler.ts';
import type { CommandSettings, Handler, Ports } from './handler.ts';

/** Authorises a publish, and records the device that the node now stands for if it is another one than before. */
export const authorisePublish =
  (
    { nodes }: Pick<Ports, 'nodes'>,
    { trustedDomains }: Pick<CommandSettings, 'trustedDomains'>,
  ): Handler<'authorise-publish'> =>
  async ({ host, node, ...publish }) => {
    const decision = decideAuthorisation(await nodes.readNode(host, node), publish, trustedDomains);
    if (decision.type === 'allowed') return { v: 1, type: 'allowed', version: decision.version };
    if (decision.type !== 'renew') return reply(decision.type);
    const renewed = await nodes.renewNode(host, node, decision.version, decision.device);
    return renewed === 'done' ? { v: 1, type: 'allowed', version: decision.version + 1 } : 'again';
  };
