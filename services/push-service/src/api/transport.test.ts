import { readFileSync, writeFileSync } from 'node:fs';
import { request as http1Request } from 'node:http';
import { connect as connectHttp2, constants } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createFakeAuthority } from '@pushmesh/fakes';
import { alert, fcmProvider, startPushService } from '../../testing/start-push-service.ts';
import { temporaryFile } from '../../testing/temporary-file.ts';
import { watchCertificate } from './certificate.ts';

const authority = createFakeAuthority();
const { ca } = authority;
const filesFor = (name: string) => {
  const { cert, key } = authority.issue(name);
  return { cert: temporaryFile(`${name}.crt`, cert), key: temporaryFile(`${name}.key`, key) };
};

type Service = Awaited<ReturnType<typeof startPushService>>;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});
const start = async (options: Parameters<typeof startPushService>[0]): Promise<Service> => {
  const service = await startPushService(options);
  cleanups.push(service.stop);
  return service;
};

const body = JSON.stringify({ service: 'fcm', alert });
const headers = { 'content-type': 'application/json' };
const path = '/v3/notification/tok';
type Answer = { readonly status: number | undefined; readonly text: string };

const overHttp1 = (service: Service, options: ConnectionOptions = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = httpsRequest(
      `${service.url}${path}`,
      { method: 'POST', headers, ca, agent: false, ...options },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode, text }));
      },
    );
    sent.on('error', reject).end(body);
  });

const openSession = (service: Service, options: ConnectionOptions = {}): ClientHttp2Session => {
  const session = connectHttp2(service.url, { ca, ...options });
  session.on('error', () => {});
  cleanups.push(() => session.destroy());
  return session;
};

/** The answer on a stream; a stream that is reset has no status. */
const overHttp2 = (
  session: ClientHttp2Session,
  payload: string | Buffer = body,
  more: IncomingHttpHeaders = {},
): Promise<Answer> =>
  new Promise((resolve) => {
    const stream = session.request({ ':method': 'POST', ':path': path, ...headers, ...more });
    let status: number | undefined;
    let text = '';
    stream.on('response', (each) => (status = each[':status']));
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
    stream.on('error', () => {});
    stream.on('close', () => resolve({ status, text }));
    stream.end(payload);
  });

const peerOf = (service: Service): Promise<PeerCertificate> =>
  new Promise((resolve, reject) => {
    const socket = connectTls({ port: Number(new URL(service.url).port), host: '127.0.0.1', ca }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.on('error', reject);
  });

/** A bare connection, and everything that came on it until it was closed. */
const talkTo = (service: Service) => {
  const { port, protocol } = new URL(service.url);
  const to = { port: Number(port), host: '127.0.0.1', ca };
  const socket = protocol === 'https:' ? connectTls(to) : connectTcp(to);
  const answer = new Promise<string>((resolve) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.on('error', () => {}).on('close', () => resolve(text));
  });
  return { socket, answer };
};

const ok = { status: 200, text: 'null' };

describe('with a certificate', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startPushService({ http: { tls: filesFor('server') } });
  });
  afterAll(() => service.stop());

  it('answers HTTP/2 and HTTP/1.1 on one port, over TLS only', async () => {
    expect(service.url).toMatch(/^https:/);
    expect(await overHttp1(service)).toEqual(ok);
    const session = openSession(service);
    expect(await overHttp2(session)).toEqual(ok);
    expect(session.alpnProtocol).toBe('h2');
    const plain = new Promise((resolve) => {
      http1Request(service.url.replace('https', 'http')).on('error', resolve).end();
    });
    expect(await plain).toBeInstanceOf(Error);
  });

  it('tells callers how many streams and how large a header it accepts, and enforces it', async () => {
    const session = openSession(service);
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    expect(session.remoteSettings).toMatchObject({ maxConcurrentStreams: 100, maxHeaderListSize: 16_384 });
    expect((await overHttp2(session, body, { 'x-large': 'x'.repeat(20_000) })).status).not.toBe(200);
    expect((await overHttp2(session, 'x'.repeat(300_000))).status).toBe(413);
    expect(await overHttp2(session)).toEqual(ok);
  });

  it('answers every body over HTTP/2 with JSON, and never 5xx', async () => {
    const session = openSession(service);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string(), fc.uint8Array().map(String)), async (text) => {
        const answer = await overHttp2(session, text);
        expect(answer.status).toBeLessThan(500);
        expect(() => JSON.parse(answer.text) as unknown).not.toThrow();
      }),
      { numRuns: 200 },
    );
  });

  it('survives malformed frames', async () => {
    const { port } = new URL(service.url);
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
    const frame = fc
      .tuple(fc.nat(12), fc.nat(255), fc.nat(6), fc.uint8Array({ maxLength: 64 }))
      .map(([type, flags, stream, payload]) =>
        Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream, ...payload]),
      );
    const throwAt = (bytes: Buffer) =>
      new Promise<void>((resolve) => {
        const socket = connectTls({ port: Number(port), host: '127.0.0.1', ca, ALPNProtocols: ['h2'] }, () =>
          socket.end(bytes),
        );
        socket.on('error', () => {}).on('close', () => resolve());
        socket.resume();
      });
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(frame, { maxLength: 8 }), (polite, frames) =>
        throwAt(Buffer.concat([...(polite ? [preface] : []), ...frames])),
      ),
      { numRuns: 100 },
    );
    expect(await overHttp2(openSession(service))).toEqual(ok);
    expect(service.lines.join('')).not.toContain('"level":"error"');
  });
});

describe('with an authority for callers', () => {
  it('admits only callers with a certificate of it', async () => {
    const clientCa = temporaryFile('clients.crt', ca);
    const service = await start({ http: { tls: { ...filesFor('server'), clientCa } } });
    expect(await overHttp1(service, authority.issue('dispatcher', []))).toEqual(ok);
    expect(await overHttp2(openSession(service, authority.issue('dispatcher', [])))).toEqual(ok);
    await expect(overHttp1(service)).rejects.toBeInstanceOf(Error);
    await expect(overHttp1(service, createFakeAuthority().issue('stranger', []))).rejects.toBeInstanceOf(Error);
    expect((await overHttp2(openSession(service))).status).toBeUndefined();
    expect(await service.metricsText()).toMatch(/handshakes_failed_total\{.*\} 3/);
    expect(service.lines.join('')).toMatch(/"handshake-failed","why":"[A-Z_]*CERT/);
  });
});

describe('a renewed certificate', () => {
  it('is used without a restart; an unusable one is not, and is logged once', async () => {
    const tls = filesFor('first');
    const service = await start({ http: { tls }, timeouts: { certificateMs: 20 } });
    const name = async () => (await peerOf(service)).subject.CN;
    expect(await name()).toBe('first');

    const second = authority.issue('second');
    writeFileSync(tls.cert, second.cert);
    await expect.poll(() => service.lines.join('')).toContain('is not the key of the certificate');
    expect(await name()).toBe('first');
    writeFileSync(tls.key, second.key);
    await expect.poll(name).toBe('second');
    writeFileSync(tls.cert, second.cert + ca.slice(0, 200));
    await expect.poll(() => service.lines.join('')).toContain('cannot be used for TLS');
    expect(await name()).toBe('second');
    const metrics = await service.metricsText();
    expect(metrics).toMatch(/certificate_reloads_total\{result="loaded".*\} 1/);
    expect(metrics).toMatch(/certificate_reloads_total\{result="failed".*\} 2/);
    expect(metrics).toMatch(/certificate_expiry_timestamp_seconds\{.*\} 253402300799/);
  });
});

describe('a certificate that is not valid now', () => {
  afterEach(() => void vi.useRealTimers());

  it.each([
    ['expired', Date.UTC(10_000, 5), 'server-certificate-expired'],
    ['is not valid yet', Date.UTC(2019, 5), 'server-certificate-not-yet-valid'],
  ])('is used, and reported as wrong at start and when it changes: it %s', async (_what, now, event) => {
    vi.useFakeTimers({ toFake: ['Date'], now });
    const tls = filesFor('wrong');
    const service = await start({ http: { tls }, timeouts: { certificateMs: 20 } });
    const told = () => service.lines.filter((line) => line.includes(event));
    expect(told()).toHaveLength(1);
    expect(told()[0]).toContain('"level":"error"');
    writeFileSync(tls.cert, readFileSync(tls.cert, 'utf8') + ca);
    await expect.poll(told).toHaveLength(2);
  });
});

describe('the watch over a certificate', () => {
  afterEach(() => void vi.useRealTimers());

  it('uses a certificate that reads the same twice', () => {
    vi.useFakeTimers();
    const files = filesFor('watched');
    const used: string[] = [];
    const { stop } = watchCertificate(files, {
      everyMs: 1_000,
      onChange: ({ context }) => used.push(context.cert),
      onProblem: (problems) => used.push(JSON.stringify(problems)),
    });
    cleanups.push(stop);
    const { cert, key } = authority.issue('renewed');
    const look = (text: string) => {
      writeFileSync(files.key, key);
      writeFileSync(files.cert, text);
      vi.advanceTimersByTime(1_000);
    };
    // The first of two certificates, then half of the second, then all of it: no state lasts for two looks.
    for (const text of [cert, cert + ca.slice(0, 200), cert + ca]) look(text);
    expect(used).toEqual([]);
    look(cert + ca);
    look(cert + ca);
    expect(used).toEqual([cert + ca]);
  });
});

describe.each([
  ['HTTP/1.1', () => ({})],
  ['TLS', () => ({ tls: filesFor('server') })],
])('over %s', (_name, http) => {
  it('ends a request that does not arrive in time, and a connection without one', async () => {
    const service = await start({ http: http(), timeouts: { headersMs: 300, requestMs: 300 } });
    const talk = (text: string) => {
      const { socket, answer } = talkTo(service);
      socket.write(text);
      return answer;
    };
    expect(await talk(`POST ${path} HTTP/1.1\r\nhost: h\r\n`)).toMatch(/^HTTP\/1.1 408 .*request_timeout/s);
    expect(
      await talk(`POST ${path} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{`),
    ).toMatch(/^HTTP\/1.1 408 /);
    expect(await talk('')).toMatch(/^HTTP\/1.1 408 /);
  });

  it('closes connections over the limit, and counts them', async () => {
    const service = await start({ http: { ...http(), maxConnections: 1 } });
    const to = { port: Number(new URL(service.url).port), host: '127.0.0.1' };
    const first = connectTcp(to);
    cleanups.push(() => first.destroy());
    await new Promise((resolve) => first.once('connect', resolve));
    await new Promise((resolve) =>
      connectTcp(to)
        .on('error', () => {})
        .on('close', resolve)
        .resume(),
    );
    expect(await service.metricsText()).toMatch(/connections_refused_total\{.*\} 1/);
  });
});

it('ends a stream whose body trickles in, and leaves its session alone', async () => {
  const service = await start({ http: { tls: filesFor('server') }, timeouts: { headersMs: 1_000, requestMs: 1_000 } });
  const session = openSession(service);
  const stream = session.request({ ':method': 'POST', ':path': path, ...headers });
  stream.on('error', () => {});
  stream.write('{');
  await new Promise((resolve) => stream.once('close', resolve));
  expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
  expect(await overHttp2(session)).toEqual(ok);
});

it('ends a session on which nothing moves', async () => {
  const service = await start({ http: { tls: filesFor('server') }, timeouts: { idleMs: 200 } });
  const session = openSession(service);
  await new Promise((resolve) => session.once('close', resolve));
  expect(session.destroyed).toBe(true);
});

describe('draining', () => {
  /** Answers on command. */
  const openGate = () => {
    const taken = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const provider = fcmProvider(async () => {
      taken.resolve();
      await gate.promise;
      return { category: 'ok' };
    });
    return { taken: taken.promise, open: gate.resolve, provider };
  };

  it('answers what was taken on a session, sends GOAWAY, and closes idle sessions', async () => {
    const { taken, open, provider } = openGate();
    const service = await startPushService({ providers: [provider], http: { tls: filesFor('server') } });
    const [busy, idle] = [openSession(service), openSession(service)];
    await new Promise((resolve) => idle.once('remoteSettings', resolve));
    const farewells = [busy, idle].map((each) => new Promise((resolve) => each.once('goaway', resolve)));
    const answer = overHttp2(busy);
    await taken;
    const stopped = service.stop();
    await Promise.all(farewells);
    open();
    expect(await answer).toEqual(ok);
    await stopped;
  });

  it('answers all of several notifications on a session, in lines', async () => {
    const { taken, open, provider } = openGate();
    const service = await startPushService({ providers: [provider], http: { tls: filesFor('server') } });
    const notification = { service: 'fcm', alert };
    const several = JSON.stringify([
      { device_id: 'a', notification },
      { device_id: 'b', notification },
    ]);
    const answer = overHttp2(openSession(service), several, { ':path': '/v3/notifications' });
    await taken;
    const stopped = service.stop();
    open();
    const line = (place: number) => `{"place":${place},"status":200,"body":null}\n`;
    expect(await answer).toEqual({ status: 200, text: line(0) + line(1) });
    await stopped;
  });

  it.each([
    ['HTTP/1.1', {}, ''],
    ['HTTP/1.1 with half a request', {}, 'POST /v3'],
    ['HTTP/2 without a preface', { ALPNProtocols: ['h2'] }, ''],
  ])('does not wait for ever for a connection with %s', async (_name, options, text) => {
    const tls = 'ALPNProtocols' in options ? { tls: filesFor('server') } : {};
    const service = await startPushService({ http: tls, timeouts: { drainMs: 200 } });
    const to = { port: Number(new URL(service.url).port), host: '127.0.0.1', ca };
    const socket = 'ALPNProtocols' in options ? connectTls({ ...to, ...options }) : connectTcp(to);
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('ALPNProtocols' in options ? 'secureConnect' : 'connect', resolve));
    socket.write(text);
    await expect(service.stop()).resolves.toBeUndefined();
    socket.destroy();
  });

  it.each([
    ['HTTP/1.1', () => ({})],
    ['TLS', () => ({ tls: filesFor('server') })],
  ])('closes a keep-alive connection of %s with its answer', async (_name, http) => {
    const { taken, open, provider } = openGate();
    const service = await startPushService({ providers: [provider], http: http() });
    const { socket, answer } = talkTo(service);
    const content = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}`;
    socket.write(`POST ${path} HTTP/1.1\r\nhost: h\r\n${content}\r\n\r\n${body}`);
    await taken;
    const stopped = service.stop();
    open();
    expect(await answer).toMatch(/^HTTP\/1.1 200 .*null$/s);
    await stopped;
  });
});
