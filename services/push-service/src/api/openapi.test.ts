import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { Validator } from '@seriousme/openapi-schema-validator';
import { categories, modes, pushApiVersions, pushServices } from '@pushmesh/contracts';
import * as fc from 'fast-check';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refuse } from '../push/category.ts';
import type { Refusal } from '../push/category.ts';
import { requestDifferences } from '../../../../test/golden/golden-differences.ts';
import type { Provider } from '../push/provider.ts';
import { alert, fcmProvider, startPushService } from '../../testing/start-push-service.ts';

// The document as it is served, compared with the server.

type Responses = Readonly<
  Record<string, { readonly headers?: object; readonly content: Readonly<Record<string, { schema: object }>> }>
>;
type Operation = { readonly responses: Responses };
type Path = { readonly post?: Operation; readonly get?: Operation; readonly 'x-other-methods': Responses };
type Document = {
  readonly paths: Readonly<Record<string, Path>>;
  readonly 'x-other-paths': Responses;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
};
type Answer = {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: unknown;
  readonly type?: string | undefined;
};

/** Answers with the category that the token names, and with everything that such an answer may carry; `bug` throws. */
const told: Provider = {
  ...fcmProvider(({ device_id }) => {
    if (device_id === 'bug') throw new Error('a bug');
    if (device_id === 'ok') return Promise.resolve({ category: 'ok' });
    const refusal = { ...refuse(device_id as Refusal), retryAfterSeconds: 1 };
    return Promise.resolve(device_id === 'unregistered' ? { ...refusal, unregisteredAt: 1 } : refusal);
  }),
  connections: () => health(),
};
let health: () => { connected: number; disconnected: number };

const token = 'a-token-of-this-test';
let service: Awaited<ReturnType<typeof startPushService>>;
/** Gives requests 300 ms to arrive. */
let impatient: typeof service;
let document: Document;
beforeAll(async () => {
  service = await startPushService({ providers: [told], http: { bearerTokens: [token] } });
  impatient = await startPushService({ timeouts: { headersMs: 300, requestMs: 300 } });
  document = (await (await send('/swagger.json', { method: 'GET' })).json()) as Document;
});
afterAll(() => Promise.all([service.stop(), impatient.stop()]));

const json = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
const body = JSON.stringify({ service: 'fcm', alert });
const flatBody = JSON.stringify({ service: 'fcm', ...alert });
const send = (path: string, { headers, ...init }: RequestInit = {}) =>
  fetch(service.url + path, { method: 'POST', headers: { ...json, ...headers }, ...init });
const answerTo = async (path: string, init: RequestInit = {}): Promise<Answer> => {
  const response = await send(path, init);
  return { status: response.status, headers: [...response.headers.keys()], body: await response.json() };
};

/** For input that is not an HTTP request. */
const answerToBytes = (text: string, of = service): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(of.url).port), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.on('error', reject);
    socket.on('close', () => {
      const [head = '', content = ''] = answer.split('\r\n\r\n');
      resolve({ status: Number(head.split(' ')[1]), headers: [], body: JSON.parse(content) });
    });
  });

const schemaAt = (responses: Responses, { status, type = 'application/json' }: Answer): object | undefined =>
  responses[String(status)]?.content[type]?.schema;

const expectDocumented = (responses: Responses, answer: Answer): void => {
  const schema = schemaAt(responses, answer);
  expect(schema, `status ${answer.status}`).toBeDefined();
  const fits = Compile(Type.Unsafe<unknown>(schema ?? {})).Check(answer.body);
  expect(fits, `${answer.status} ${JSON.stringify(answer.body)}`).toBe(true);
  const hints = answer.headers.filter((name) => /^x-|^retry|^www/.test(name));
  expect(Object.keys(responses[answer.status]?.headers ?? {})).toEqual(expect.arrayContaining(hints));
};

it('is OpenAPI 3.1', async () => {
  const result = await new Validator().validate(structuredClone<object>(document) as Record<string, unknown>);
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
});

describe.each(pushApiVersions)('POST /%s/notification/{device_id}', (version) => {
  const base = `/${version}/notification`;
  const good = version === 'v1' ? flatBody : body;

  it('answers exactly what is documented', async () => {
    const responses = document.paths[`${base}/{device_id}`]?.post?.responses ?? {};
    const answers = [
      ...(await Promise.all(categories.map((category) => answerTo(`${base}/${category}`, { body: good })))),
      await answerTo(`${base}/ok`, { body: '{' }),
      await answerTo(`${base}/ok`, { body: '{}' }),
      await answerTo(`${base}/ok`, { body: good, headers: { authorization: 'Bearer other' } }),
      await answerTo(`${base}/ok`, { body: good, headers: { accept: 'text/html' } }),
      await answerTo(`${base}/ok`, { body: JSON.stringify({ data: 'x'.repeat(300_000) }) }),
      await answerTo(`${base}/bug`, { body: good }),
      await answerTo(`${base}/%zz`, { body: good }),
      await answerToBytes(`POST ${base}/ok HTTP/1.1\r\nno header\r\n\r\n`),
      await answerToBytes(`POST ${base}/${'x'.repeat(17_000)} HTTP/1.1\r\nhost: h\r\n\r\n`),
      await answerToBytes(`POST ${base}/ok HTTP/1.1\r\nhost: h\r\n`, impatient),
    ];
    for (const answer of answers) expectDocumented(responses, answer);
    expect(new Set(answers.map(({ status }) => String(status)))).toEqual(new Set(Object.keys(responses)));
  });

  it('has no other method', async () => {
    expectDocumented(
      document.paths[`${base}/{device_id}`]?.['x-other-methods'] ?? {},
      await answerTo(`${base}/t`, { method: 'PUT', body: good }),
    );
  });

  it('accepts every request that its schema allows', async () => {
    const schema = Compile(
      Type.Unsafe<unknown>(document.components.schemas[version === 'v1' ? 'RequestV1' : 'RequestV3'] ?? {}),
    );
    const text = fc.string();
    const common = {
      service: fc.constantFrom(...pushServices, 'x'),
      mode: fc.constantFrom(...modes, 'x'),
      topic: text,
    };
    const shown = { title: text, body: text, badge: fc.oneof(fc.integer(), fc.double()), sound: text };
    const value =
      version === 'v1'
        ? fc.record({ ...common, ...shown, data: fc.object() }, { requiredKeys: ['service'] })
        : fc.record(
            {
              ...common,
              alert: fc.record(shown, { requiredKeys: ['title'] }),
              data: fc.object(),
              time_to_live: fc.integer(),
            },
            { requiredKeys: ['service'] },
          );
    let admitted = 0;
    await fc.assert(
      fc.asyncProperty(value, async (request) => {
        const response = await service.server.inject({
          method: 'POST',
          url: `${base}/ok`,
          headers: json,
          payload: JSON.stringify(request),
        });
        const fits = schema.Check(JSON.parse(JSON.stringify(request)));
        admitted += fits ? 1 : 0;
        expect(response.statusCode === 422).toBe(!fits);
      }),
      { numRuns: 300 },
    );
    expect(admitted).toBeGreaterThan(0);
  });
});

describe('POST /v3/notifications', () => {
  const several = JSON.stringify([
    { device_id: 'ok', notification: { service: 'fcm', alert } },
    { device_id: 'unregistered', traceparent: 'x', notification: { service: 'fcm', alert } },
  ]);

  it('answers exactly what is documented', async () => {
    const path = '/v3/notifications';
    const responses = document.paths[path]?.post?.responses ?? {};
    const inLines = await send(path, { body: several });
    const lines = (await inLines.text()).trimEnd().split('\n');
    const type = inLines.headers.get('content-type') ?? '';
    const answers = [
      ...lines.map((line) => ({ status: inLines.status, headers: [], type, body: JSON.parse(line) as unknown })),
      await answerTo(path, { body: '{' }),
      await answerTo(path, { body: '{}' }),
      await answerTo(path, { body: several, headers: { authorization: 'Bearer other' } }),
      await answerTo(path, { body: several, headers: { accept: 'text/html' } }),
      await answerTo(path, { body: JSON.stringify(['x'.repeat(300_000)]) }),
      await answerToBytes(`POST ${path} HTTP/1.1\r\nno header\r\n\r\n`),
      await answerToBytes(`POST ${path} HTTP/1.1\r\nx: ${'x'.repeat(17_000)}\r\n\r\n`),
      await answerToBytes(`POST ${path} HTTP/1.1\r\nhost: h\r\n`, impatient),
    ];
    for (const answer of answers) expectDocumented(responses, answer);
    // A bug in one notification is the answer on its line; the others are unaffected.
    const possible = Object.keys(responses).filter((status) => status !== '500');
    expect(new Set(answers.map(({ status }) => String(status)))).toEqual(new Set(possible));
  });

  it('has no other method', async () => {
    expectDocumented(
      document.paths['/v3/notifications']?.['x-other-methods'] ?? {},
      await answerTo('/v3/notifications', { method: 'PUT', body: several }),
    );
  });
});

describe('GET /healthcheck', () => {
  it('answers exactly what is documented', async () => {
    const responses = document.paths['/healthcheck']?.get?.responses ?? {};
    const get = (more: RequestInit = {}) => answerTo('/healthcheck', { method: 'GET', ...more });
    health = () => ({ connected: 1, disconnected: 1 });
    const answers = [await get(), await get({ headers: { accept: 'text/html' } })];
    health = () => ({ connected: 0, disconnected: 2 });
    answers.push(await get());
    health = () => {
      throw new Error('a bug');
    };
    answers.push(
      await get(),
      await answerToBytes('GET /healthcheck HTTP/1.1\r\nno header\r\n\r\n'),
      await answerToBytes(`GET /healthcheck HTTP/1.1\r\nx: ${'x'.repeat(17_000)}\r\n\r\n`),
      await answerToBytes('GET /healthcheck HTTP/1.1\r\nhost: h\r\n', impatient),
    );
    for (const answer of answers) expectDocumented(responses, answer);
    expect(new Set(answers.map(({ status }) => String(status)))).toEqual(new Set(Object.keys(responses)));
  });
});

it('documents the answer at every other path', async () => {
  for (const path of ['/v3/notification/', '/nothing'])
    expectDocumented(document['x-other-paths'], await answerTo(path));
});

describe('every recorded request of MongoosePush', () => {
  type Row = { method: string; path: string; request: unknown; status: number; answer: string };
  const golden = JSON.parse(
    readFileSync(new URL('../../../../test/golden/mongoosepush-golden.json', import.meta.url), 'utf8'),
  ) as { request_validation: readonly Row[] };

  it('is answered with a documented status and body', () => {
    for (const { method, path, request, status, answer } of golden.request_validation) {
      const text = typeof request === 'string' ? request : JSON.stringify(request);
      const difference = requestDifferences[`${method} ${path} ${text}`];
      const item = document.paths[path.replace('/tok', '/{device_id}')];
      const operation = method === 'POST' ? item?.post : item?.get;
      const responses = operation?.responses ?? item?.['x-other-methods'] ?? document['x-other-paths'];
      const expected = difference ?? { status, body: answer };
      if (expected.body === undefined) expect(Object.keys(responses)).toContain(String(expected.status));
      else expectDocumented(responses, { status: expected.status, headers: [], body: JSON.parse(expected.body) });
    }
  });
});
