import { randomUUID } from 'node:crypto';
import { givenServer } from './given.ts';
import { converse } from './probe.ts';
import { runServer, type RunningServer, type StartOptions } from './server.ts';

/** Starts NATS with JetStream on file storage. */
export const startNats = async (
  options: StartOptions & { readonly port?: number },
): Promise<RunningServer & { readonly url: string }> => {
  const given = await givenServer('nats', 4222);
  if (given) return given;
  const name = `pushmesh-${randomUUID()}`;
  const { ports, ...server } = await runServer(
    {
      kind: 'nats',
      preferredPorts: { client: options.port },
      configure: async ({ dataDir, listen }, { client }) => ({
        args: ['--name', name, '--addr', listen, '--port', String(client), '--jetstream', '--store_dir', dataDir],
      }),
      // The first thing that NATS says to a client has its name and whether JetStream is on.
      answers: async ({ client }) => {
        const { server_name, jetstream } = JSON.parse(
          (await converse(client, '', /^INFO \{.*\} ?\r\n/)).slice('INFO '.length).split('\r\n')[0] ?? '',
        );
        if (server_name !== name) throw new Error(`port ${client} in use by another NATS server, ${server_name}`);
        if (jetstream !== true) throw new Error('JetStream is not on');
      },
    },
    options,
  );
  return { ...server, url: `nats://127.0.0.1:${ports.client}` };
};
