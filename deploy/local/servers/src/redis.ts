import { externalServer } from './external.ts';
import { exchange } from './probe.ts';
import { runServer, type RunningServer, type StartOptions } from './server.ts';

/** Starts Redis (or Valkey) with the append-only file, synced every second. */
export const startRedis = async (
  options: StartOptions & { readonly port?: number },
): Promise<RunningServer & { readonly url: string }> => {
  const external = await externalServer('redis', 6379);
  if (external) return external;
  const { ports, ...server } = await runServer(
    {
      kind: 'redis',
      preferredPorts: { client: options.port },
      configure: async ({ dataDir, listen }, { client }) => ({
        args: Object.entries({
          port: String(client),
          bind: listen,
          // Protected mode would refuse clients from outside a container; its port is published on loopback only.
          'protected-mode': listen === '127.0.0.1' ? 'yes' : 'no',
          dir: dataDir,
          appendonly: 'yes',
          appendfsync: 'everysec',
          // Snapshots would cost time for nothing: the append-only file holds everything.
          save: '',
          // The store must refuse writes rather than lose data.
          'maxmemory-policy': 'noeviction',
        }).flatMap(([name, value]) => [`--${name}`, value]),
      }),
      // The folder distinguishes this server from any other. While Redis loads its file, it answers PING with an error.
      answers: async ({ client }, dataDir) => {
        const answer = await exchange(client, 'PING\r\nCONFIG GET dir\r\n', /\r\n\$\d+\r\n\/.*\r\n|^-.*\r\n/);
        if (!answer.startsWith('+PONG')) throw new Error(`PING was answered with ${answer.trim()}`);
        if (!answer.includes(`\r\n${dataDir}\r\n`)) throw new Error(`port ${client} in use by another Redis server`);
      },
    },
    options,
  );
  return { ...server, url: `redis://127.0.0.1:${ports.client}` };
};
