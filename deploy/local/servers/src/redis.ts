import { givenServer } from './given.ts';
import { converse } from './probe.ts';
import { runServer, type RunningServer, type StartOptions } from './server.ts';

/** Starts Redis (or Valkey) with the append-only file, synced every second. */
export const startRedis = async (
  options: StartOptions & { readonly port?: number },
): Promise<RunningServer & { readonly url: string }> => {
  const given = await givenServer('redis', 6379);
  if (given) return given;
  const { ports, ...server } = await runServer(
    {
      kind: 'redis',
      preferredPorts: { client: options.port },
      configure: async ({ dataDir, listen }, { client }) => ({
        args: Object.entries({
          port: String(client),
          bind: listen,
          // Protected mode would refuse the clients that reach a container from outside; its port is on loopback only.
          'protected-mode': listen === '127.0.0.1' ? 'yes' : 'no',
          dir: dataDir,
          appendonly: 'yes',
          appendfsync: 'everysec',
          // Snapshots would only cost: the append-only file has everything.
          save: '',
          // A store must refuse to write rather than forget.
          'maxmemory-policy': 'noeviction',
        }).flatMap(([name, value]) => [`--${name}`, value]),
      }),
      // The folder tells our server from a stranger's. While it loads its file it answers PING with an error.
      answers: async ({ client }, dataDir) => {
        const heard = await converse(client, 'PING\r\nCONFIG GET dir\r\n', /\r\n\$\d+\r\n\/.*\r\n|^-.*\r\n/);
        if (!heard.startsWith('+PONG')) throw new Error(`PING was answered with ${heard.trim()}`);
        if (!heard.includes(`\r\n${dataDir}\r\n`)) throw new Error(`port ${client} in use by another Redis server`);
      },
    },
    options,
  );
  return { ...server, url: `redis://127.0.0.1:${ports.client}` };
};
