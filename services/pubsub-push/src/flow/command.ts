import type { Command, CommandType, Reply } from '@pushmesh/contracts';
import { authorisePublish } from './authorise-publish.ts';
import { getAffiliations, getConfiguration, setAffiliations, setConfiguration } from './configure.ts';
import { reply } from './handler.ts';
import type { CommandSettings, Handler, Ports } from './handler.ts';
import { createNode, deleteNode, listNodes } from './node-lifecycle.ts';
import { disable, enable } from './registration.ts';

/** Executes any command. Throws `StoreUnavailable` if the store is unavailable. */
export const createCommands = (ports: Ports, settings: CommandSettings) => {
  const handlers: { readonly [K in CommandType]: Handler<K> } = {
    'authorise-publish': authorisePublish(ports, settings),
    'create-node': createNode(ports, settings),
    'delete-node': deleteNode(ports),
    'list-nodes': listNodes(ports),
    'get-affiliations': getAffiliations(ports),
    'set-affiliations': setAffiliations(ports),
    'get-configuration': getConfiguration(ports),
    'set-configuration': setConfiguration(ports),
    enable: enable(ports, settings),
    disable: disable(ports),
  };
  return async <K extends CommandType>(type: K, command: Command<K>): Promise<Reply> => {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const answer = await handlers[type](command);
      if (answer !== 'again') return answer;
    }
    return reply('unavailable');
  };
};

/** How often a command is attempted if the node keeps changing between reading and writing. */
const maxAttempts = 4;
