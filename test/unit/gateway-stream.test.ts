// The stream of one component name: when it is open, and which stanzas it accepts.
import { afterEach, expect, it } from 'vitest';
import { startScriptedServer } from '../../libs/xmpp/testing/scripted-server.ts';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { createComponentResource } from '../../services/gateway/src/component.ts';
import { gatewayMetrics } from '../../services/gateway/src/metrics.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});
const patience = { timeout: 20_000 };

const start = async (stream: 'shared' | 'exclusive', { passMs = 20_000 } = {}) => {
  const server = await startScriptedServer('s');
  const answered: string[] = [];
  const handleRequest = (request: { readonly type: string }) => {
    answered.push(request.type);
    return Promise.resolve({ result: undefined });
  };
  const lease = { held: false, passed: 0, take: () => {}, lose: () => {} };
  const resource = createComponentResource(
    { name: 'push.x', service: server.service, secret: 's', roles: ['app-server'], stream },
    {
      bus: {
        ready: () => Promise.resolve(),
        lease: (_key, onHeld, onLost) => {
          lease.take = () => {
            lease.held = true;
            onHeld();
          };
          lease.lose = () => {
            lease.held = false;
            onLost();
          };
          return {
            isHeld: () => lease.held,
            takeNoMore: () => {},
            pass: (isWanted) => {
              lease.passed += isWanted() ? 1 : 0;
              return Promise.resolve(false);
            },
            release: () => Promise.resolve(),
          };
        },
      },
      handleRequest,
      maxInFlight: 10,
      maxStanzaBytes: 262_144,
      log: createLog('gateway', 'silent'),
      metrics: createMetrics('gateway').add(gatewayMetrics),
      reconnectCapMs: 20,
      passMs,
    },
  );
  cleanups.push(() => server.close(), resource.stop);
  await resource.start();
  const online = async () => {
    const peer = await server.nextPeer();
    await peer.online;
    await expect.poll(() => resource.missing(), patience).toBeUndefined();
    return peer;
  };
  return { server, resource, answered, lease, online };
};

const iq = (id: string, child: string, to = 'push.x') =>
  `<iq type='set' id='${id}' from='localhost' to='${to}'><pubsub xmlns='http://jabber.org/protocol/pubsub'>${child}</pubsub></iq>`;
const publish = "<publish node='n'><item><notification xmlns='urn:xmpp:push:0'/></item></publish>";
const create = "<create node='n' type='push'/>";

it('accepts the publishes that were in transit when it closed the stream, but nothing that needs an answer', async () => {
  const { resource, answered, online } = await start('shared');
  const peer = await online();
  await resource.drain();
  peer.write(iq('1', publish) + iq('2', create) + iq('3', publish));
  await resource.stop();
  expect(answered).toEqual(['publish', 'publish']);
  expect(peer.received()).toMatch(/<\/stream:stream>$/);
});

it('ignores stanzas to another component, and matches its own name case-insensitively', async () => {
  const { answered, online } = await start('shared');
  const peer = await online();
  peer.write(iq('1', create, 'push.y') + iq('2', publish, 'Push.X'));
  expect((await peer.nextStanza()).attrs['id']).toBe('2');
  expect(answered).toEqual(['publish']);
});

it('has no stream without its lease, however often it gains and loses the lease while the last stream closes', async () => {
  const { server, resource, lease, online } = await start('exclusive');
  lease.take();
  const slow = await online();
  slow.pauseReading();
  lease.lose();
  lease.take();
  lease.lose();
  slow.resumeReading();
  await slow.closed;
  expect(server.connections()).toBe(1);
  lease.take();
  const peer = await online();
  expect(server.connections()).toBe(2);
  await resource.stop();
  await peer.closed;
});

it('passes the lease on if its stream does not come online', async () => {
  const { server, lease, online } = await start('exclusive', { passMs: 50 });
  lease.take();
  const peer = await online();
  expect(lease.passed).toBe(0);
  await server.refuse();
  await peer.closed;
  await expect.poll(() => lease.passed, patience).toBeGreaterThan(0);
  expect(lease.held).toBe(true);
  await server.listen();
  await online();
});

it('says why there is no stream and what to check, even while it reconnects', async () => {
  const { server, resource, online } = await start('shared');
  const peer = await online();
  server.behave({ streamError: 'conflict' });
  peer.drop();
  await expect.poll(resource.missing, patience).toMatch(/\(conflict; .*XMPP_STREAM=exclusive\)$/);
  server.behave('silent');
  await expect.poll(resource.missing, patience).toMatch(/connecting \(conflict; .*XMPP_STREAM=exclusive\)$/);
});
