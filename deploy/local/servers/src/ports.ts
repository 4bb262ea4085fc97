import { createConnection, createServer } from 'node:net';

// Below the range from which Linux and macOS take local ports for outgoing connections: a server that is killed and
// restarted must find its port free.
const firstPort = 20_000;
const lastPort = 31_999;

/** Chooses a loopback port for each name: the preferred one if it is free, otherwise any other free one. */
export const choosePorts = async <Name extends string>(
  preferred: Readonly<Record<Name, number | undefined>>,
  report: (line: string) => void,
): Promise<Readonly<Record<Name, number>>> => {
  const chosen: Partial<Record<Name, number>> = {};
  for (const name in preferred) {
    const wish = preferred[name];
    if (wish !== undefined && (await isFree(wish))) {
      chosen[name] = wish;
      continue;
    }
    chosen[name] = await anyFreePort(Object.values<number | undefined>(chosen));
    if (wish !== undefined) report(`port ${wish} is in use, using ${chosen[name]} for ${name} instead`);
  }
  return chosen as Record<Name, number>;
};

const anyFreePort = async (taken: readonly (number | undefined)[]): Promise<number> => {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort + 1));
    if (!taken.includes(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port found on 127.0.0.1 between ${firstPort} and ${lastPort}`);
};

// Both checks are needed: macOS allows binding 127.0.0.1 while another process listens on all addresses.
const isFree = async (port: number): Promise<boolean> => !(await accepts(port)) && (await canListen(port));

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port, timeout: 1000 });
    const answer = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket
      .on('connect', () => answer(true))
      .on('error', () => answer(false))
      .on('timeout', () => answer(true));
  });

const canListen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
