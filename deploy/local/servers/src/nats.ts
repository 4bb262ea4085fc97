import { randomUUID } from 'node:crypto';
import { givenServer } from './given.ts';
import { converse } from './probe.ts';
import { runServer, type RunningServer, type StartOptions } from './server.ts';

export type RunningNats = RunningServer & {
  readonly url: string;
  /** Whether JetStream is on from the next restart. */
  useJetStream(on: boolean): void;
};

/** Starts NATS with JetStream on file storage. */
export const startNats = async (options: StartOptions & { readonly port?: number }): Promise<RunningNats> => {
  const given = await givenServer('nats', 4222);
  // Such a server cannot be restarted from here.
  if (given) return { ...given, useJetStream: () => {} };
  const name = `pushmesh-${randomUUID()}`;
  let wanted = true;
  const { ports, ...server } = await runServer(
    {
      kind: 'nats',
      preferredPorts: { client: options.port },
      configure: async ({ dataDir, listen }, { client }) => ({
        args: ['--name', name, '--addr', listen, '--port', String(client)].concat(
          wanted ? ['--jetstream', '--store_dir', dataDir] : [],
        ),
      }),
      // The first thing that NATS says to a client has its name and whether JetStream is on.
      answers: async ({ client }) => {
        const { server_name, jetstream } = JSON.parse(
          (await converse(client, '', /^INFO \{.*\} ?\r\n/)).slice('INFO '.length).split('\r\n')[0] ?? '',
        );
        if (server_name !== name) throw new Error(`port ${client} in use by another NATS server, ${server_name}`);
        if ((jetstream === true) !== wanted) throw new Error(`JetStream is ${wanted ? 'not on' : 'on'}`);
      },
    },
    options,
  );
  return {
    ...server,
    url: `nats://127.0.0.1:${ports.client}`,
    useJetStream: (on) => {
      wanted = on;
    },
  };
};
