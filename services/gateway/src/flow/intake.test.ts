import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createAcceptPush } from '@pushmesh/acceptance';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { parseStanza } from '@pushmesh/xmpp';
import type { Element, Sent } from '@pushmesh/xmpp';
import { createRequestHandler } from './handle-request.ts';
import { createIntake } from './intake.ts';
import { gatewayMetrics } from '../metrics.ts';

const ping = (id: number) =>
  parseStanza(`<iq type='get' id='${id}' from='a@b' to='push.b'><ping xmlns='urn:xmpp:ping'/></iq>`) as Element;
const publish = parseStanza(
  "<iq type='set' id='p' from='b' to='push.b'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n'><item><notification xmlns='urn:xmpp:push:0'/></item></publish>" +
    "<publish-options><x xmlns='jabber:x:data'><field var='service'><value>fcm</value></field><field var='device_id'><value>t</value></field></x></publish-options></pubsub></iq>",
) as Element;

const outlet = () => {
  const sent: string[] = [];
  const calls: string[] = [];
  return {
    sent,
    calls,
    send: (stanza: Element): Sent => (sent.push(stanza.toString()), 'sent'),
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
  };
};

const intakeWith = (
  handleRequest: Parameters<typeof createIntake>[0]['handleRequest'],
  maxInFlight = 4,
  log = createLog('gateway', 'silent'),
) => {
  const metrics = createMetrics('gateway');
  const out = outlet();
  const intake = createIntake({
    outlet: out,
    host: 'push.b',
    roles: ['app-server', 'xmpp-server'],
    handleRequest,
    maxInFlight,
    log,
    metrics: metrics.add(gatewayMetrics),
  });
  return { intake, metrics, out };
};

const logged = () => {
  const lines: string[] = [];
  const sink = new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) });
  return { lines, log: createLog('gateway', 'info', sink) };
};

const handlerOver = (stub: { request?: unknown; publish?: unknown }) => {
  const bus = stub as Parameters<typeof createAcceptPush>[0]['bus'];
  const limits = { defaultTtlMs: 1_000, maxPayloadBytes: 1_000 };
  const acceptPush = createAcceptPush({ bus, clock: () => 0, ...limits, onUnverified: () => {} });
  return createRequestHandler({ bus, acceptPush });
};

describe('back-pressure', () => {
  it('stops reading when too many stanzas wait for their answer, and reads again when half are answered', async () => {
    const waiting: (() => void)[] = [];
    const { intake, out } = intakeWith(
      () => new Promise((resolve) => waiting.push(() => resolve({ result: undefined }))),
      4,
    );
    for (const id of [1, 2, 3]) intake.onStanza(ping(id));
    expect(out.calls).toEqual([]);
    intake.onStanza(ping(4));
    intake.onStanza(ping(5));
    expect(out.calls).toEqual(['pause']);
    // Stanzas of the same packet wait: there are never more in flight.
    for (const [index, underWay] of [4, 5, 5, 5, 5].entries()) {
      expect(waiting).toHaveLength(underWay);
      waiting[index]?.();
      await expect.poll(() => out.sent.length).toBe(index + 1);
      expect(out.calls).toEqual(index < 2 ? ['pause'] : ['pause', 'resume']);
    }
  });
});

describe('draining', () => {
  it('stops reading, and does not start again as the answers are sent', async () => {
    const waiting: (() => void)[] = [];
    const { intake, out } = intakeWith(
      () => new Promise((resolve) => waiting.push(() => resolve({ result: undefined }))),
      2,
    );
    intake.onStanza(ping(1));
    intake.onStanza(ping(2));
    const drained = intake.drain();
    for (const release of waiting) release();
    await drained;
    expect(out.sent).toHaveLength(2);
    expect(out.calls).toEqual(['pause', 'pause']);
  });
});

it('a refusal is logged with the node and the reason, and without the device', async () => {
  const { lines, log } = logged();
  const request = (type: string) =>
    Promise.resolve(type === 'list-nodes' ? { v: 1, type: 'nodes', nodes: [] } : { v: 1, type: 'allowed', version: 1 });
  const { intake, out } = intakeWith(handlerOver({ request }), 4, log);
  intake.onStanza(
    parseStanza(publish.toString().replace('fcm', 'sms').replace('<value>t<', '<value>my-token<')) as Element,
  );
  await expect.poll(() => out.sent).toHaveLength(1);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    {
      event: 'refused',
      request: 'publish',
      answer: 'conflict',
      from: 'b',
      node: '1b16b1df538b',
      pubsub: 'precondition-not-met',
    },
  ]);
  expect(lines.join('')).toMatch(/"why":"[^"]*service[^"]*".*/);
  // Anybody may ask this, with a name of any length.
  const disco = `<query xmlns='http://jabber.org/protocol/disco#info' node='${'n'.repeat(9_000)}'/>`;
  intake.onStanza(parseStanza(`<iq type='get' id='d' from='a@b' to='push.b'>${disco}</iq>`) as Element);
  await expect.poll(() => out.sent).toHaveLength(2);
  expect(out.sent[1]).toContain('item-not-found');
  expect(lines).toHaveLength(1);
  expect(lines.join('')).not.toContain('my-token');
});

describe('no exception reaches the wire as anything but wait', () => {
  const wait = /<iq type="error" id="p" .*<error type="wait"><internal-server-error /;
  it('when the answer throws', async () => {
    const { intake, out } = intakeWith(() => Promise.reject(new TypeError('bug')));
    intake.onStanza(publish);
    await intake.drain();
    expect(out.sent).toEqual([expect.stringMatching(wait)]);
  });

  it('when reading the stanza throws', () => {
    const broken = parseStanza(publish.toString()) as Element;
    broken
      .getChild('pubsub')
      ?.getChild('publish')
      ?.children.splice(0, 1, { is: undefined, name: 'item' } as never);
    const { intake, out } = intakeWith(() => Promise.resolve({ result: undefined }));
    intake.onStanza(broken);
    return expect.poll(() => out.sent[0]).toMatch(wait);
  });

  it.each([
    ['JetStream refuses', { type: 'refused', why: 'full' }],
    ['the PubAck does not come', { type: 'timeout' }],
    ['NATS is away', { type: 'disconnected' }],
    ['too much is in flight', { type: 'full' }],
  ])('when %s', async (_what, published) => {
    const { intake, out } = intakeWith(
      handlerOver({
        request: () => Promise.resolve({ v: 1, type: 'allowed', version: 1 }),
        publish: () => Promise.resolve(published),
      }),
    );
    intake.onStanza(publish);
    await intake.drain();
    expect(out.sent).toEqual([expect.stringMatching(wait)]);
  });
});

describe('a publish is answered', () => {
  it('only after the PubAck', async () => {
    let stored: (published: { type: 'stored' }) => void = () => {};
    const { intake, out } = intakeWith(
      handlerOver({
        request: () => Promise.resolve({ v: 1, type: 'allowed', version: 1 }),
        publish: () => new Promise((resolve) => (stored = resolve)),
      }),
    );
    intake.onStanza(publish);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(out.sent).toEqual([]);
    stored({ type: 'stored' });
    await intake.drain();
    expect(out.sent).toEqual(['<iq type="result" id="p" from="push.b" to="b"/>']);
  });

  it('with result when it is a duplicate, and when pubsub-push is away', async () => {
    const subjects: string[] = [];
    const { intake, metrics, out } = intakeWith(
      handlerOver({
        request: () => Promise.resolve({ type: 'no-responders' }),
        publish: (subject: string) => (subjects.push(subject), Promise.resolve({ type: 'duplicate' })),
      }),
    );
    intake.onStanza(publish);
    await intake.drain();
    expect(out.sent[0]).toContain('type="result"');
    expect(subjects).toEqual(['push.event.publish']);
    expect(await metrics.registry.metrics()).toContain('request="publish",answer="result"');
  });
});

it('tells the sender about a stanza that the parser skipped, in a way that costs no registration', () => {
  const { intake, out } = intakeWith(handlerOver({}));
  intake.onRefused(publish, 'a stanza has more than 64 levels');
  expect(out.sent[0]).toContain('<error type="wait"><internal-server-error');
});

it('logs a flood of such stanzas in one line, and answers each one', () => {
  const { lines, log } = logged();
  const { intake, out } = intakeWith(handlerOver({}), 4, log);
  for (let i = 0; i < 100; i += 1) intake.onRefused(publish, 'a stanza has more than 64 levels');
  expect(out.sent).toHaveLength(100);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ event: 'stanza-refused', times: 1 }]);
});
