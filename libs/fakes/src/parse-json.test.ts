import { expect, it } from 'vitest';
import { parseJson, parseJwtPart } from './parse-json.ts';

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

it('reads JSON of up to 64 levels', () => {
  expect(parseJson('{"a":[1]}')).toEqual({ a: [1] });
  expect(parseJson('{bad')).toBeUndefined();
  expect(parseJson(nested(64))).toBeDefined();
  expect(parseJson(nested(65))).toBeUndefined();
});

it('reads a part of a JWT, and nothing from a part that is not a JSON object', () => {
  expect(parseJwtPart(Buffer.from('{"alg":"ES256"}').toString('base64url'))).toEqual({ alg: 'ES256' });
  for (const part of ['', '!', Buffer.from('null').toString('base64url')]) expect(parseJwtPart(part)).toEqual({});
});
