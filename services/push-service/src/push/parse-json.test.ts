import { expect, it } from 'vitest';
import { toFcmMessage } from '../providers/fcm/message.ts';
import { maxDepth, parseJson, parseJsonToPassOn } from './parse-json.ts';
import { readPushRequest } from '../api/push-request.ts';

const nested = (levels: number, leaf: string) => '['.repeat(levels) + leaf + ']'.repeat(levels);

it('accepts no more levels than push services do', () => {
  for (const parse of [parseJson, parseJsonToPassOn]) {
    expect(parse(nested(maxDepth, '1.0'))).toBeDefined();
    expect(parse(nested(maxDepth + 1, '1.0'))).toBeUndefined();
    expect(parse('{bad')).toBeUndefined();
  }
});

const numbers =
  '{"id":1234567890123456789,"float":1.0,"far":1e999,"list":[0,-0,1.50, 2E3],"short":1.5,"text":"at 1.0"}';

it('writes the numbers of a passed-on text as they came', () => {
  expect(JSON.stringify(parseJsonToPassOn(numbers)).replaceAll(' ', '')).toBe(numbers.replaceAll(' ', ''));
});

it('passes the numbers in data on to the app as they came', () => {
  const body = parseJsonToPassOn(`{"service":"fcm","data":${numbers}}`);
  const read = readPushRequest('v3', 'TOK', body);
  expect(read.ok && toFcmMessage(read.value).data).toEqual({
    id: '1234567890123456789',
    float: '1.0',
    far: '1e999',
    list: '[0,-0,1.50,2E3]',
    short: '1.5',
    text: 'at 1.0',
  });
});

it('reads the numbers that it uses itself like any others', () => {
  const read = (fields: string) => readPushRequest('v3', 'TOK', parseJsonToPassOn(`{"service":"fcm",${fields}}`));
  expect(read('"data":{},"time_to_live":6e1')).toMatchObject({ ok: true, value: { time_to_live: 60 } });
  expect(read('"data":{},"topic":1.0')).toMatchObject({
    ok: false,
    errors: [{ message: 'Invalid string. Got: integer' }],
  });
  expect(read('"data":1.0')).toMatchObject({ ok: false, errors: [{ message: 'Invalid object. Got: integer' }] });
});
