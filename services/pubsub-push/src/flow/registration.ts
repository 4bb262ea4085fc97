// XEP-0357 §5 and §6: a user enables or disables push at the component itself
import { decideRead } from '../domain/configure.ts';
import { reply } from './handler.ts';
import type { CommandSettings, Handler, Ports } from './handler.ts';

/** Stores a registration, unless the user would have more than `MAX_REGISTRATIONS_PER_USER`. */
export const enable =
  (
    { nodes, registrations, clock }: Ports,
    { MAX_REGISTRATIONS_PER_USER }: Pick<CommandSettings, 'MAX_REGISTRATIONS_PER_USER'>,
  ): Handler<'enable'> =>
  async ({ user, service, node, options }) => {
    const registration = { service, node, options, enabledAt: clock() };
    const enabled = await registrations.enable(user, registration, MAX_REGISTRATIONS_PER_USER);
    if (enabled === 'too-many') return reply('too-many');
    // If the user owns the node, this also shows that the device is alive: evidence from before no longer counts.
    const decision = decideRead(await nodes.readNode(service, node), user);
    if (decision.type !== 'read') return reply('enabled');
    const freshened = await nodes.changeNode(service, node, decision.node.version, { freshAt: clock() });
    return freshened === 'done' ? reply('enabled') : 'again';
  };

/** Removes one registration of a user, or without `node` all of a service. */
export const disable =
  ({ registrations }: Pick<Ports, 'registrations'>): Handler<'disable'> =>
  async ({ user, service, node }) => ({
    v: 1,
    type: 'disabled',
    removed: await registrations.disable(user, service, node),
  });
