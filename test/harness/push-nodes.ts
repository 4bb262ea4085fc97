import { connectBus } from './bus.ts';
import { runLoad } from './load.ts';

/** Name of the push component. */
export const component = 'push.localhost';

/** Creates push nodes `n0`, `n1`, … owned by users of `localhost`, with the command that the gateway would send. */
export const createNodes = async (natsUrl: string, count: number, from = 0): Promise<void> => {
  const bus = await connectBus(natsUrl);
  const create = async (index: number): Promise<boolean> => {
    const command = {
      v: 1 as const,
      host: component,
      node: `n${from + index}`,
      owner: `user${from + index}@localhost`,
    };
    const reply = await bus.request('create-node', command, '');
    return reply.type === 'created';
  };
  const { failed } = await runLoad(count, 64, create);
  await bus.stop();
  if (failed > 0) throw new Error(`${failed} of ${count} push nodes could not be created`);
};
