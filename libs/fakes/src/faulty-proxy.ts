import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/**
 * A TCP line in front of a server, on any free port of the loopback, that fails as networks do: it breaks, refuses, hangs up
 * on arrival, or falls silent with the connection open, as behind a NAT that forgot it.
 */
export const createLine = async (targetPort: number) => {
  const ends = new Set<Socket>();
  let hangsUp = false;
  let silent = false;
  let accepted = 0;

  const server = createServer((near) => {
    accepted += 1;
    if (hangsUp) {
      near.on('error', () => {});
      near.resetAndDestroy();
      return;
    }
    const far = connect(targetPort, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true);
      ends.add(from);
      from.on('data', (data) => silent || to.write(data));
      from.on('error', () => {});
      from.on('close', () => {
        ends.delete(from);
        to.destroy();
      });
    }
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;

  const cut = () => {
    for (const end of ends) end.resetAndDestroy();
  };
  const refuse = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    cut();
    await closed;
  };

  return {
    origin: `https://127.0.0.1:${port}`,
    /** Connections that arrived, so far. */
    accepted: () => accepted,
    /** Resets all connections. */
    cut,
    /** Bytes that come in from now on are lost; nobody is told. Connections that are silenced stay so. */
    silence: (on: boolean) => {
      if (!on) for (const end of ends) end.removeAllListeners('data').resume();
      silent = on;
    },
    /** Accepts new connections and resets them at once. */
    hangUp: (on: boolean) => {
      hangsUp = on;
    },
    /** Cuts everything and refuses new connections, until `restore`. */
    refuse,
    restore: () => listen(port),
    close: () => (server.listening ? refuse() : undefined),
  };
};
