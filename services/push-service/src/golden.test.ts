import { readFileSync } from 'node:fs';
import { pushApiVersions } from '@pushmesh/contracts';
import type { PushApiVersion } from '@pushmesh/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toApnsMessage } from './domain/apns-message.ts';
import { toApnsAnswer } from './domain/apns-outcome.ts';
import { refuse } from './domain/category.ts';
import type { ProviderAnswer } from './domain/category.ts';
import { toFcmMessage } from './domain/fcm-message.ts';
import type { FcmMessage } from './domain/fcm-message.ts';
import { toFcmAnswer } from './domain/fcm-outcome.ts';
import { toHttpAnswer } from './domain/http-answer.ts';
import type { Notification } from './domain/notification.ts';
import type { ProviderResponse } from './domain/provider-response.ts';
import { readPushRequest } from './domain/push-request.ts';
import {
  apnsCorrections,
  emptyInV2,
  fcmCorrections,
  outcomeDifferences,
  requestDifferences,
  unrecordedDifferences,
} from './golden-differences.ts';
import { startPushService } from './testing.ts';

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

const golden = JSON.parse(
  readFileSync(new URL('../../../test/golden/mongoosepush-golden.json', import.meta.url), 'utf8'),
) as Golden;

/** A refusal of `http/refusals.ts`. */
const ownRefusal = /^\{"reason":"\w+","details":".+"\}$/;

const faults = {
  'connection killed': 'connection_lost',
  'stream reset': 'connection_lost',
  'answer after 6 s': 'request_timeout',
} as const;

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

  const other = rows.flatMap((row) => {
    const difference = requestDifferences[nameOf(row)];
    return difference ? [[nameOf(row), row, difference] as const] : [];
  });
  it.each(other)('%s (otherwise)', async (_name, row, { status, body }) => {
    const answered = await answer(row);
    expect(answered.status).toBe(status);
    expect(body === undefined ? ownRefusal.test(answered.body) : answered.body === body).toBe(true);
    expect(answered).not.toEqual({ status: row.status, body: row.answer });
  });

  it('has no difference listed that is not recorded', () => {
    expect(rows.map(nameOf)).toEqual(expect.arrayContaining(Object.keys(requestDifferences)));
  });
});

describe('every recorded provider answer', () => {
  const rows = golden.outcome.map((row) => ({ ...row, name: outcomeName(row) }));

  it.each(rows)('$name', ({ name, service, provider, answers }) => {
    const v3 = outcomeDifferences[name] ?? answers.v3;
    const word = emptyInV2[name];
    const expected = {
      v3: { status: v3.status, body: v3.body },
      ...(word ? { v1: details(word), v2: details(word) } : { v1: answers.v1, v2: answers.v2 }),
    };
    const answer = answerOf(service, provider);
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

  it('has no difference listed that is not recorded', () => {
    const names = rows.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys({ ...outcomeDifferences, ...emptyInV2 })));
  });
});

describe('every provider answer that is known from the source of MongoosePush', () => {
  const recorded = golden.outcome.map(outcomeName);

  it.each(Object.entries(unrecordedDifferences))('%s', (name, { provider, status, body, theirs }) => {
    const service = name.startsWith('apns') ? 'apns' : 'fcm';
    expect(httpAnswer('v3', answerOf(service, provider))).toEqual({ status, body });
    expect(theirs).not.toBe(`${status} \`${body}\``);
    expect(recorded).not.toContain(name);
  });
});

describe('every recorded message to a provider', () => {
  const rows = golden.provider_mapping.map((row) => ({ ...row, notification: read(row.version, row.body) }));
  const apns = rows.filter(({ body }) => body.service === 'apns');
  const fcm = rows.filter(({ body }) => body.service === 'fcm');

  it.each(fcm)('$version $body', ({ notification, provider: [recorded] }) => {
    const { message } = recorded.body as { message: FcmMessage };
    const corrected = fcmCorrections.reduce((each, { correct }) => correct(each, notification), message);
    expect(toFcmMessage(notification)).toEqual(corrected);
  });

  it.each(apns)('$version $body', ({ notification, provider: [recorded] }) => {
    const defaultTopic = notification.mode === 'prod' ? 'com.example.app' : undefined;
    const mapped = toApnsMessage(notification, { defaultTopic, now: 0 });
    const corrected = apnsCorrections.reduce(
      (each, { correct }) => correct(each, notification),
      recordedApns(recorded),
    );
    expect(mapped).toEqual({ ok: true, message: { path: recorded.path, ...corrected } });
  });

  it.each(fcmCorrections)('$why', ({ correct }) => {
    const messages = fcm.map(({ notification, provider: [{ body }] }) => {
      const { message } = body as { message: FcmMessage };
      return { recorded: message, corrected: correct(message, notification) };
    });
    expect(messages.filter(isChanged)).not.toEqual([]);
  });

  it.each(apnsCorrections)('$why', ({ correct }) => {
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
  const { status, body } = toHttpAnswer(version, answer);
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

function answerOf(
  service: 'fcm' | 'apns',
  { fault, status = 0, body = '' }: Golden['outcome'][number]['provider'],
): ProviderAnswer {
  if (fault) return refuse(faults[fault]);
  return service === 'apns' ? toApnsAnswer({ status, body }, 0) : toFcmAnswer({ status, body }, 0);
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
