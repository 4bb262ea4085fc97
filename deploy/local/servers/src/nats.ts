import { randomUUID } from 'node:crypto';
import { externalServer } from './external.ts';
import { exchange } from './probe.ts';
import { runServer, type RunningServer, type StartOptions } from './server.ts';

export type RunningNats = RunningServer & {
  readonly url: string;
  /** Turns JetStream on or off, from the next restart. */
  useJetStream(on: boolean): void;
};

/** Starts NATS with JetStream on file storage. */
export const startNats = async (options: StartOptions & { readonly port?: number }): Promise<RunningNats> => {
  const external = await externalServer('nats', 4222);
  // No effect: an external server cannot be restarted from here.
  if (external) return { ...external, useJetStream: () => {} };
  const name = `pushmesh-${randomUUID()}`;
  let isJetStreamWanted = true;
  const { ports, ...server } = await runServer(
    {
      kind: 'nats',
      preferredPorts: { client: options.port },
      configure: async ({ dataDir, listen }, { client }) => ({
        args: ['--name', name, '--addr', listen, '--port', String(client)].concat(
          isJetStreamWanted ? ['--jetstream', '--store_dir', dataDir] : [],
        ),
      }),
      // The INFO that NATS sends to a client first holds its name and whether JetStream is on.
      answers: async ({ client }) => {
        const { server_name, jetstream } = JSON.parse(
          (await exchange(client, '', /^INFO \{.*\} ?\r\n/)).slice('INFO '.length).split('\r\n')[0] ?? '',
        );
        if (server_name !== name) throw new Error(`port ${client} in use by another NATS server, ${server_name}`);
        if ((jetstream === true) !== isJetStreamWanted)
          throw new Error(`JetStream is ${isJetStreamWanted ? 'off' : 'on'}`);
      },
    },
    options,
  );
  return {
    ...server,
    url: `nats://127.0.0.1:${ports.client}`,
    useJetStream: (on) => {
      isJetStreamWanted = on;
    },
  };
};
