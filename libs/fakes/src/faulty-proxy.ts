import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/**
 * A TCP proxy on a free loopback port that fails as networks do: it breaks connections, refuses them, resets them on
 * arrival, or falls silent and keeps them open, as a NAT does that forgot them.
 */
export const startFaultyProxy = async (targetPort: number) => {
  const sockets = new Set<Socket>();
  let hangsUp = false;
  let isSilent = false;
  let accepted = 0;

  const forward = (from: Socket, to: Socket): void => {
    from.setNoDelay(true);
    sockets.add(from);
    from.on('data', (data) => isSilent || to.write(data));
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };

  const server = createServer((client) => {
    accepted += 1;
    if (hangsUp) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const target = connect(targetPort, '127.0.0.1');
    forward(client, target);
    forward(target, client);
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const refuse = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    cut();
    await closed;
  };

  await listen(0);
  const { port } = server.address() as AddressInfo;

  return {
    origin: `https://127.0.0.1:${port}`,
    /** The number of connections that have arrived. */
    accepted: () => accepted,
    /** Resets all connections. */
    cut,
    /** While on, drops all bytes and tells neither side. Connections that were silenced stay silent. */
    silence: (on: boolean): void => {
      if (!on) for (const socket of sockets) socket.removeAllListeners('data').resume();
      isSilent = on;
    },
    /** While on, accepts new connections and resets them at once. */
    hangUp: (on: boolean): void => {
      hangsUp = on;
    },
    /** Resets all connections and refuses new ones, until `restore`. */
    refuse,
    restore: (): Promise<void> => listen(port),
    stop: async (): Promise<void> => {
      if (server.listening) await refuse();
    },
  };
};
