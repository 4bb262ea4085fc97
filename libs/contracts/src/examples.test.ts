import { readdirSync, readFileSync } from 'node:fs';
import { Check } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import {
  PushApiBody,
  RequestV1,
  RequestV3,
  commandMessages,
  commandTypes,
  messages,
  readResults,
  repliesMessage,
  resultsPerMessage,
} from './index.ts';

const folder = new URL('../examples/', import.meta.url);
type File = { message: string; examples: unknown[] | Record<string, unknown[]> };
const files = readdirSync(folder)
  .filter((name) => name !== 'push-api.json')
  .map((name) => ({
    name,
    ...(JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as File),
  }));
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

const exampleOf = (name: string): object => {
  const [example] = (files.find(({ message }) => message === name)?.examples ?? []) as object[];
  if (!example) throw new Error(`no example of ${name}`);
  return example;
};

describe('recorded examples parse for ever', () => {
  const byName = { ...messages, replies: repliesMessage };
  for (const { name, message, examples } of files.filter(({ message: each }) => each !== 'command'))
    it(name, () => {
      const codec = byName[message as keyof typeof byName];
      for (const example of examples as unknown[]) {
        expect(codec.decode(bytes(example))).toEqual({ ok: true, value: example });
        expect(JSON.parse(new TextDecoder().decode(codec.encode(example as never)))).toEqual(example);
      }
    });

  const commands = files.find(({ message }) => message === 'command')?.examples as Record<string, unknown[]>;
  for (const type of commandTypes)
    it(`command ${type}`, () => {
      expect(commands[type]?.length).toBeGreaterThan(0);
      for (const example of commands[type] ?? [])
        expect(commandMessages[type].decode(bytes(example))).toEqual({ ok: true, value: example });
    });
});

it('recorded requests and answers of the MongoosePush API fit their schemas', () => {
  const { requests, answers } = JSON.parse(readFileSync(new URL('push-api.json', folder), 'utf8')) as {
    requests: Record<'v1' | 'v2' | 'v3', unknown[]>;
    answers: unknown[];
  };
  for (const request of requests.v1) expect(Check(RequestV1, request)).toBe(true);
  for (const request of [...requests.v2, ...requests.v3]) expect(Check(RequestV3, request)).toBe(true);
  for (const answer of answers) expect(Check(PushApiBody, answer)).toBe(true);
  expect(Check(RequestV3, requests.v1[0])).toBe(false);
});

describe('decoding', () => {
  it('says where a message does not fit, without quoting it', () => {
    const example = exampleOf('delivery');
    const refused = messages.delivery.decode(bytes({ ...example, deviceId: 17, expiresAt: 'secret-text' }));
    expect(refused).toMatchObject({ ok: false });
    expect(JSON.stringify(refused)).toContain('delivery/');
    expect(JSON.stringify(refused)).not.toContain('secret-text');
  });

  it('refuses another version, truncated JSON, broken UTF-8 and nothing at all', () => {
    const example = exampleOf('result');
    const inputs = [
      bytes({ ...example, v: 2 }),
      bytes(example).slice(0, 40),
      new Uint8Array([0x22, 0xff, 0x22]),
      new Uint8Array(),
    ];
    for (const input of inputs) {
      expect(messages.result.decode(input).ok).toBe(false);
      expect(readResults(input).ok).toBe(false);
    }
  });

  it('reads results that were recorded alone and together', () => {
    const result = exampleOf('result');
    expect(readResults(bytes(result))).toEqual({ ok: true, value: [result] });
    expect(readResults(bytes([result, result]))).toEqual({ ok: true, value: [result, result] });
    expect(readResults(bytes([])).ok).toBe(false);
    expect(readResults(bytes(Array.from({ length: resultsPerMessage + 1 }, () => result))).ok).toBe(false);
  });
});
