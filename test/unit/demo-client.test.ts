import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { xml } from '@xmpp/client';
import { connectClient } from '../../deploy/local/client.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

const header = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' from='localhost' id='a'>`;
const features = (each: string) => `${header}<stream:features>${each}</stream:features>`;
const sasl = `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>`;
const bind = (content = '') => `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${content}</bind>`;

/** An XMPP server that accepts any login until it is killed. */
const startServer = async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    let isLoggedIn = false;
    socket.on('data', (data) => {
      const text = data.toString();
      if (text.includes('<stream:stream')) socket.write(features(isLoggedIn ? bind() : sasl));
      if (text.includes('<auth')) {
        isLoggedIn = true;
        socket.write(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`);
      }
      const id = /<iq[^>]* id="([^"]*)"/.exec(text)?.[1];
      if (id !== undefined && text.includes('xmpp-bind'))
        socket.write(`<iq type='result' id='${id}'>${bind('<jid>alice@localhost/phone</jid>')}</iq>`);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const kill = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  cleanups.push(kill);
  const { port } = server.address() as AddressInfo;
  const account = { host: '127.0.0.1', port, domain: 'localhost', jid: 'alice@localhost', password: 'p' };
  return { account, kill };
};

it('reports that the server is gone, whatever was in progress', async () => {
  const { account, kill } = await startServer();
  const client = await connectClient(account, 'phone');
  const waiting = client.iq('get', undefined, xml('ping'));
  kill();
  const gone = `the XMPP server at 127.0.0.1:${account.port} ended the connection`;
  await expect(waiting).rejects.toThrow(gone);
  await expect(client.message('bob@localhost', 'Hello')).rejects.toThrow(gone);
  await expect(client.iq('get', undefined, xml('ping'))).rejects.toThrow(gone);
  await client.close();
  await expect(connectClient(account, 'phone')).rejects.toThrow('alice@localhost cannot log in at 127.0.0.1');
});
