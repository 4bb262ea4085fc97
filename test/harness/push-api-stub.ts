import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

const answer =
  'HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\nconnection: keep-alive\r\ncontent-length: 4\r\n\r\nnull';

/**
 * A push API that answers 200 after `latencyMs` and does nothing else. It reads and writes HTTP/1.1 by hand, one request at a
 * time on a connection: built on `node:http`, it used as much CPU as the dispatcher under test.
 */
export const startPushApiStub = async (latencyMs: number, onAnswered: () => void = () => {}) => {
  let answered = 0;
  let target = { count: Number.POSITIVE_INFINITY, reached: () => {} };
  const sockets = new Set<Socket>();

  const reply = (socket: Socket): void => {
    socket.write(answer);
    answered += 1;
    onAnswered();
    if (answered >= target.count) target.reached();
  };

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    let unread = '';
    socket.setEncoding('latin1'); // one character for each octet, as `content-length` counts
    socket.on('data', (text: string) => {
      unread += text;
      const head = unread.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(unread)?.[1]);
      if (unread.length < head + 4 + length) return;
      // No content-length, or a pipelined request: not supported.
      if (unread.length !== head + 4 + length) return void socket.destroy();
      unread = '';
      if (latencyMs > 0) setTimeout(reply, latencyMs, socket);
      else reply(socket);
    });
    socket.on('error', () => {}); // when a dispatcher is killed
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Resolves when `count` more requests have been answered. */
    untilAnswered: (count: number): Promise<void> =>
      new Promise((resolve) => {
        target = { count: answered + count, reached: resolve };
      }),
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
};
