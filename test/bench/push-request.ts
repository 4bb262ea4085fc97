import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { PushService } from '@pushmesh/contracts';

/** About 170 bytes. */
const bodyFor = (service: PushService): string =>
  JSON.stringify({
    service,
    alert: {
      title: 'bob@localhost',
      body: 'Neither, fair saint, if either thee dislike.',
      badge: 1,
      tag: 'bob@localhost',
    },
  });

/** A connection with one request under way at a time. */
type Connection = { readonly socket: Socket; answered: (ok: boolean) => void; unread: string };

/**
 * Calls the MongoosePush API on this port of the loopback, for one of 500 devices; true when it was answered with 200.
 * It writes and reads HTTP/1.1 by hand: `node:http` as the caller took as much of the two cores as push-service’s own part in it.
 */
export const createPushRequests = (port: number, service: PushService) => {
  const body = bodyFor(service);
  const rest = `HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const all = new Set<Connection>();
  const idle: Connection[] = [];

  const read = (connection: Connection, text: string): void => {
    connection.unread += text;
    const head = connection.unread.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(connection.unread)?.[1]);
    if (Buffer.byteLength(connection.unread) < head + 4 + length) return;
    const ok = connection.unread.startsWith('HTTP/1.1 200 ');
    connection.unread = '';
    idle.push(connection);
    connection.answered(ok);
  };

  const open = (): Connection => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const connection: Connection = { socket, answered: () => {}, unread: '' };
    all.add(connection);
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => read(connection, text));
    socket.on('error', () => {});
    socket.on('close', () => {
      all.delete(connection);
      if (idle.includes(connection)) idle.splice(idle.indexOf(connection), 1);
      else connection.answered(false);
    });
    return connection;
  };

  return {
    post: (index: number): Promise<boolean> =>
      new Promise((resolve) => {
        const connection = idle.pop() ?? open();
        connection.answered = resolve;
        connection.socket.write(`POST /v3/notification/d${index % 500} ${rest}`);
      }),
    close: (): void => {
      for (const { socket } of all) socket.destroy();
    },
  };
};
