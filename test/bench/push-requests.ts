import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createBatcher, endOfTurn } from '@pushmesh/async';
import { notificationsPerRequest } from '@pushmesh/contracts';
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

/** A connection with one request in flight at a time. */
type Connection = { readonly socket: Socket; answered: (answer: string) => void; unread: string };

/**
 * A client of the MongoosePush API on a loopback port. Both calls push to one of 500 devices and resolve to whether the answer
 * was 200; `postBatched` puts the pushes of one turn into one request, as the dispatcher does. They read and write HTTP/1.1
 * by hand: built on `node:http`, the client used as much CPU as the part of push-service that is measured.
 */
export const createPushRequests = (port: number, service: PushService) => {
  const body = bodyFor(service);
  const requestOf = (path: string, content: string): string =>
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(content)}\r\n\r\n${content}`;
  const all = new Set<Connection>();
  const idle: Connection[] = [];

  const read = (connection: Connection, text: string): void => {
    connection.unread += text;
    const head = connection.unread.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(connection.unread)?.[1];
    const isWhole =
      length === undefined
        ? connection.unread.endsWith('\r\n0\r\n\r\n')
        : Buffer.byteLength(connection.unread) >= head + 4 + Number(length);
    if (!isWhole) return;
    const answer = connection.unread;
    connection.unread = '';
    idle.push(connection);
    connection.answered(answer);
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
      else connection.answered('');
    });
    return connection;
  };

  const exchange = (request: string): Promise<string> =>
    new Promise((resolve) => {
      const connection = idle.pop() ?? open();
      connection.answered = resolve;
      connection.socket.write(request);
    });
  const device = (index: number) => `d${index % 500}`;

  const add = createBatcher<number, boolean>(notificationsPerRequest, async (take) => {
    await endOfTurn();
    const notifications = take().map((index) => `{"device_id":"${device(index)}","notification":${body}}`);
    const answer = await exchange(requestOf('/v3/notifications', `[${notifications.join(',')}]`));
    return answer.split('"status":200').length - 1 === notifications.length;
  });

  return {
    post: async (index: number): Promise<boolean> =>
      (await exchange(requestOf(`/v3/notification/${device(index)}`, body))).startsWith('HTTP/1.1 200 '),
    postBatched: async (index: number): Promise<boolean> => (await add(index)).outcome,
    close: (): void => {
      for (const { socket } of all) socket.destroy();
    },
  };
};
