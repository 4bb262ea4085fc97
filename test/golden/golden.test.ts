import { readFileSync } from 'node:fs';
import { pushApiVersions } from '@pushmesh/contracts';
import type { PushApiVersion } from '@pushmesh/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readApnsCredentials } from '../../services/push-service/src/providers/apns/credentials.ts';
import { createApnsProvider } from '../../services/push-service/src/providers/apns/provider.ts';
import { createProviderTokens } from '../../services/push-service/src/providers/apns/provider-tokens.ts';
import { startFcm } from '../../services/push-service/testing/start-fcm.ts';
import type { ProviderAnswer } from '../../services/push-service/src/push/category.ts';
import type { FcmMessage } from '../../services/push-service/src/providers/fcm/message.ts';
import { toApiAnswer } from '../../services/push-service/src/api/api-answer.ts';
import type { Notification } from '../../services/push-service/src/push/notification.ts';
import type { ProviderResponse } from '../../services/push-service/src/providers/response.ts';
import { readPushRequest } from '../../services/push-service/src/api/push-request.ts';
import {
  apnsCorrections,
  emptyInV2,
  fcmCorrections,
  outcomeDifferences,
  requestDifferences,
  unrecordedDifferences,
} from './golden-differences.ts';
import { createFakeApnsKey, createFakeAuthority, startFakeApns } from '@pushmesh/fakes';
import type { FakeReply, FakeRequest } from '@pushmesh/fakes';
import { startPushService } from '../../services/push-service/testing/start-push-service.ts';

// Everything goes through the real providers, over TLS, to fakes that answer as it was recorded.

type Golden = {
  readonly request_validation: readonly {
    readonly method: string;
    readonly path: string;
    readonly headers?: Record<string, string>;
    readonly request: unknown;
    readonly status: number;
    readonly answer: string;
  }[];
  readonly provider_mapping: readonly {
    readonly version: PushApiVersion;
    readonly body: { readonly service: 'fcm' | 'apns'; readonly mode?: 'dev' };
    readonly provider: readonly [
      { readonly path: string; readonly headers: Record<string, string>; readonly body: unknown },
    ];
  }[];
  readonly outcome: readonly {
    readonly service: 'fcm' | 'apns';
    readonly provider: Partial<ProviderResponse> & { readonly fault?: keyof typeof faults };
    readonly answers: Readonly<Record<PushApiVersion, { readonly status: number; readonly body: string }>>;
  }[];
};

const golden = JSON.parse(readFileSync(new URL('./mongoosepush-golden.json', import.meta.url), 'utf8')) as Golden;

/** A refusal of `api/refusals.ts`. */
const ownRefusal = /^\{"reason":"\w+","details":".+"\}$/;

const faults = {
  'connection killed': { type: 'cut' },
  'stream reset': { type: 'reset', code: 2 },
  'answer after 6 s': { type: 'silence' },
} as const satisfies Readonly<Record<string, FakeReply>>;

/** Shorter than the default of 5 s. */
const timeoutMs = 1_000;

const startApns = async () => {
  const authority = createFakeAuthority();
  const key = createFakeApnsKey();
  const fake = await startFakeApns({ authority, keys: [key] });
  const credentials = readApnsCredentials({ type: 'token', ...key });
  if (!credentials.ok) throw new Error(credentials.why);
  const tokens = createProviderTokens({ clock: () => 0, monotonic: () => 0 });
  const provider = (mode: 'prod' | 'dev', defaultTopic: string | undefined) =>
    createApnsProvider({
      name: `apns_${mode}`,
      mode,
      tags: [],
      endpoint: fake.origin,
      ca: authority.ca,
      credentials: credentials.credentials,
      defaultTopic,
      clock: () => 0,
      tokens,
      pool: { connections: 1, queueLimit: 10, timeoutMs, backoff: { firstMs: 1, maxMs: 1 } },
    });
  const providers = { prod: provider('prod', 'com.example.app'), dev: provider('dev', undefined) };
  return {
    fake,
    push: (notification: Notification) => providers[notification.mode].push(notification),
    stop: async () => {
      await Promise.all([providers.prod.close(0), providers.dev.close(0)]);
      await fake.stop();
    },
  };
};

let apnsSide: Awaited<ReturnType<typeof startApns>>;
let fcmSide: Awaited<ReturnType<typeof startFcm>>;
beforeAll(async () => {
  apnsSide = await startApns();
  fcmSide = await startFcm({ timeoutMs });
});
afterAll(() => Promise.all([apnsSide.stop(), fcmSide.stop()]));

/** Pushes, lets the provider answer with `reply`, and returns the last request that the push became. */
const pushTo = async (notification: Notification, reply: FakeReply) => {
  const requests: Pick<FakeRequest, 'path' | 'headers' | 'body'>[] = [];
  const script = (request: Pick<FakeRequest, 'path' | 'headers' | 'body'>) => {
    requests.push(request);
    return reply;
  };
  const [fake, provider] =
    notification.service === 'apns' ? [apnsSide.fake, apnsSide] : [fcmSide.fake, fcmSide.provider];
  fake.script(script);
  const answer = await provider.push(notification);
  const request = requests.at(-1);
  if (!request) throw new Error('nothing was sent');
  return { answer, request };
};

describe('every recorded request', () => {
  let service: Awaited<ReturnType<typeof startPushService>>;
  beforeAll(async () => {
    service = await startPushService();
  });
  afterAll(() => service.stop());

  const rows = golden.request_validation.map((row) => ({ ...row, text: textOf(row.request) }));
  const nameOf = ({ method, path, text }: (typeof rows)[number]) => `${method} ${path} ${text}`;

  const answer = async (row: (typeof rows)[number]) => {
    const response = await service.server.inject({
      method: row.method as 'GET' | 'POST',
      url: row.path,
      headers: row.headers ?? { 'content-type': 'application/json' },
      ...(row.method === 'POST' && { payload: Buffer.from(row.text) }),
    });
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    return { status: response.statusCode, body: response.body };
  };

  const same = rows.filter((row) => !requestDifferences[nameOf(row)]);
  it.each(same.map((row) => [nameOf(row), row] as const))('%s', async (_name, row) => {
    expect(await answer(row)).toEqual({ status: row.status, body: row.answer });
  });

  const different = rows.flatMap((row) => {
    const difference = requestDifferences[nameOf(row)];
    return difference ? [[nameOf(row), row, difference] as const] : [];
  });
  it.each(different)('%s (differs)', async (_name, row, { status, body }) => {
    const answered = await answer(row);
    expect(answered.status).toBe(status);
    expect(body === undefined ? ownRefusal.test(answered.body) : answered.body === body).toBe(true);
    expect(answered).not.toEqual({ status: row.status, body: row.answer });
  });

  it('every listed difference was recorded', () => {
    expect(rows.map(nameOf)).toEqual(expect.arrayContaining(Object.keys(requestDifferences)));
  });
});

describe('every recorded provider answer', () => {
  const rows = golden.outcome.map((row) => ({ ...row, name: outcomeName(row) }));

  it.each(rows)('$name', async ({ name, service, provider, answers }) => {
    const v3 = outcomeDifferences[name] ?? answers.v3;
    const word = emptyInV2[name] ?? outcomeDifferences[name]?.inV2;
    const expected = {
      v3: { status: v3.status, body: v3.body },
      ...(word ? { v1: details(word), v2: details(word) } : { v1: answers.v1, v2: answers.v2 }),
    };
    const { answer } = await pushTo(read('v3', { service, alert: { title: 't', body: 'b' } }), replyOf(provider));
    expect(Object.fromEntries(pushApiVersions.map((version) => [version, httpAnswer(version, answer)]))).toEqual(
      expected,
    );
  });

  it.each(rows.filter(({ name }) => outcomeDifferences[name]))('$name differs in v3', ({ name, answers }) => {
    expect(outcomeDifferences[name]).not.toMatchObject(answers.v3);
  });

  it.each(rows.filter(({ name }) => emptyInV2[name]))('$name is recorded as empty', ({ answers: { v1, v2 } }) => {
    expect([v1, v2]).toEqual([
      { status: 500, body: '' },
      { status: 500, body: '' },
    ]);
  });

  it('every listed difference was recorded', () => {
    const names = rows.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys({ ...outcomeDifferences, ...emptyInV2 })));
  });
});

describe('every provider answer known from the source of MongoosePush', () => {
  const recorded = golden.outcome.map(outcomeName);

  it.each(Object.entries(unrecordedDifferences))('%s', async (name, { request, provider, status, body, theirs }) => {
    const service = name.startsWith('apns') ? 'apns' : 'fcm';
    const { answer } = await pushTo(
      read('v3', { service, alert: { title: 't', body: 'b' }, ...request }),
      replyOf(provider),
    );
    expect(httpAnswer('v3', answer)).toEqual({ status, body });
    expect(theirs).not.toBe(`${status} \`${body}\``);
    expect(recorded).not.toContain(name);
  });
});

describe('every recorded message to a provider', () => {
  const rows = golden.provider_mapping.map((row) => ({ ...row, notification: read(row.version, row.body) }));
  const apns = rows.filter(({ body }) => body.service === 'apns');
  const fcm = rows.filter(({ body }) => body.service === 'fcm');

  const ok: FakeReply = { type: 'answer', status: 200 };

  it.each(fcm)('$version $body', async ({ notification, provider: [recorded] }) => {
    const { message } = recorded.body as { message: FcmMessage };
    const corrected = fcmCorrections.reduce((each, { correct }) => correct(each, notification), message);
    const { request } = await pushTo(notification, ok);
    expect(JSON.parse(request.body)).toEqual({ message: corrected });
  });

  it.each(apns)('$version $body', async ({ notification, provider: [recorded] }) => {
    const { request } = await pushTo(notification, ok);
    const corrected = apnsCorrections.reduce(
      (each, { correct }) => correct(each, notification),
      recordedApns(recorded),
    );
    const { 'apns-id': id, ...headers } = recordedApns({ ...request, body: undefined }).headers;
    expect({ path: request.path, headers, payload: JSON.parse(request.body) as unknown }).toEqual({
      path: recorded.path,
      ...corrected,
    });
    expect(id).toMatch(/^[\da-f-]{36}$/);
  });

  it.each(fcmCorrections)('$what', ({ correct }) => {
    const messages = fcm.map(({ notification, provider: [{ body }] }) => {
      const { message } = body as { message: FcmMessage };
      return { recorded: message, corrected: correct(message, notification) };
    });
    expect(messages.filter(isChanged)).not.toEqual([]);
  });

  it.each(apnsCorrections)('$what', ({ correct }) => {
    const messages = apns.map(({ notification, provider: [each] }) => {
      const recorded = recordedApns(each);
      return { recorded, corrected: correct(recorded, notification) };
    });
    expect(messages.filter(isChanged)).not.toEqual([]);
  });
});

function isChanged({ recorded, corrected }: { recorded: object; corrected: object }): boolean {
  return JSON.stringify(recorded) !== JSON.stringify(corrected);
}

function details(word: string) {
  return { status: 500, body: JSON.stringify({ details: word }) };
}

function httpAnswer(version: PushApiVersion, answer: ProviderAnswer) {
  const { status, body } = toApiAnswer(version, answer);
  return { status, body };
}

function textOf(request: unknown): string {
  return typeof request === 'string' ? request : JSON.stringify(request);
}

function outcomeName({ service, provider }: Golden['outcome'][number]): string {
  if (provider.fault) return `${service} ${provider.fault}`;
  const { status = 0, body = '' } = provider;
  const word = /"errorCode":"(\w+)"/.exec(body) ?? /"status":"(\w+)"/.exec(body) ?? /"reason":"(\w+)"/.exec(body);
  return `${service} ${status} ${word?.[1] ?? body}`;
}

function replyOf({ fault, status = 0, body = '' }: Golden['outcome'][number]['provider']): FakeReply {
  return fault ? faults[fault] : { type: 'answer', status, body };
}

function read(version: PushApiVersion, body: unknown): Notification {
  const request = readPushRequest(version, 'TOK', body);
  if (!request.ok) throw new Error('the recorded request is valid');
  return request.value;
}

function recordedApns({ headers, body }: Golden['provider_mapping'][number]['provider'][0]) {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('apns-'));
  return { headers: Object.fromEntries(own), payload: body as Record<string, unknown> };
}
