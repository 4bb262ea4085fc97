import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { nkeys } from '@nats-io/transport-node';
import { afterEach, expect, it } from 'vitest';
import { createLog } from '@pushmesh/telemetry';
import { connectNats } from './connect-nats.ts';
import type { NatsLink } from './nats-link.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const info = { server_id: 'x', version: '2.9.0', proto: 1, headers: true, max_payload: 1_048_576, nonce: 'n0nce' };

/** NATS reduced to its INFO; it answers whatever it is sent with `answer`, after a while. */
const startNats = async (answer: string, afterMs = 0) => {
  const connects: Record<string, unknown>[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on('data', (data) => {
      const [, connect] = /CONNECT (\{.*\})\r\n/.exec(data.toString()) ?? [];
      if (connect !== undefined) connects.push(JSON.parse(connect) as Record<string, unknown>);
      setTimeout(() => socket.write(answer), afterMs);
    });
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { connects, sockets, port: (server.address() as AddressInfo).port };
};

const open = (url: string, creds?: string): NatsLink => {
  const streams = { prefix: '', replicas: 1, maxBytes: 1_048_576, maxMessages: 10 };
  const link = connectNats({ url, creds, name: 'test', streams }, createLog('test', 'silent'));
  cleanups.push(() => link.close());
  return link;
};

const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
const creds = [
  '-----BEGIN NATS USER JWT-----',
  'eyJ0eXAi.eyJqdGki.c2ln',
  '------END NATS USER JWT------',
  '-----BEGIN USER NKEY SEED-----',
  seed,
  '------END USER NKEY SEED------',
];

it.each(['\n', '\r\n'])('sends credentials whose last line has no newline, with lines that end in %j', async (end) => {
  const nats = await startNats('PONG\r\n');
  open(`nats://127.0.0.1:${nats.port}`, creds.join(end));
  await expect.poll(() => nats.connects[0], { timeout: 20_000 }).toMatchObject({ jwt: 'eyJ0eXAi.eyJqdGki.c2ln' });
  expect(nats.connects[0]?.['sig']).toMatch(/.{80}/);
});

it('leaves no connection behind when it is closed while it is still connecting', async () => {
  const nats = await startNats('PONG\r\n', 500);
  const link = open(`nats://127.0.0.1:${nats.port}`);
  await expect.poll(() => nats.connects.length, { timeout: 20_000 }).toBe(1);
  await link.close();
  await expect.poll(() => nats.sockets.every(({ closed }) => closed), { timeout: 20_000 }).toBe(true);
  expect(link.current()).toBeUndefined();
});

it('names the variable when NATS rejects the credentials', async () => {
  const nats = await startNats("-ERR 'Authorization Violation'\r\n");
  const link = open(`127.0.0.1:${nats.port}`, creds.join('\n'));
  await expect.poll(link.missing, { timeout: 20_000 }).toMatch(/Authorization Violation.*: check NATS_CREDS$/);
});

it('sends nothing to a server without TLS if TLS is required', async () => {
  const nats = await startNats('PONG\r\n');
  const link = open(`tls://127.0.0.1:${nats.port}`, creds.join('\n'));
  await expect.poll(link.missing, { timeout: 20_000 }).toContain("does not support 'tls'");
  expect(nats.connects).toEqual([]);
});
