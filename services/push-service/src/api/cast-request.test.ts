import { RequestV1, RequestV3 } from '@pushmesh/contracts';
import { describe, expect, it } from 'vitest';
import { castRequest } from './cast-request.ts';

// golden.test.ts casts the recorded requests; these tests cover the rest.

const alert = { title: 't', body: 'b' };
const problems = (value: unknown) => {
  const result = castRequest(RequestV3, value);
  return result.ok ? [] : result.errors.map(({ message, source }) => `${source.pointer} ${message}`);
};

describe('castRequest', () => {
  it('casts strings that spell an integer or a boolean', () => {
    const request = { service: 'apns', alert: { ...alert, badge: '-7' }, time_to_live: '60', mutable_content: 'true' };
    expect(castRequest(RequestV3, request)).toEqual({
      ok: true,
      value: { service: 'apns', alert: { ...alert, badge: -7 }, time_to_live: 60, mutable_content: true },
    });
  });

  it('refuses numbers that are too long for int32, as a number and as a string', () => {
    const expected = ['/time_to_live Invalid format. Expected :int32'];
    expect(problems({ service: 'fcm', alert, time_to_live: 2_147_483_648 })).toEqual(expected);
    expect(problems({ service: 'fcm', alert, time_to_live: '2147483648' })).toEqual(expected);
    expect(problems({ service: 'fcm', alert, time_to_live: -2_147_483_648 })).toEqual([]);
  });

  it('reads no string as an integer that has anything but digits', () => {
    for (const badge of ['', ' 1', '1.0', '0x10', '1e3'])
      expect(problems({ service: 'fcm', alert: { ...alert, badge } })).toEqual([
        '/alert/badge Invalid integer. Got: string',
      ]);
  });

  it('reports only the first unexpected field, before everything else', () => {
    expect(problems({ z: 1, a: 1 })).toEqual(['/a Unexpected field: a']);
  });

  it('reports every wrong item of a list', () => {
    expect(problems({ service: 'fcm', alert, tags: ['a', 1, null] })).toEqual([
      '/tags/1 Invalid string. Got: integer',
      '/tags/2 null value where string expected',
    ]);
  });

  it('is not fooled by names that every object has', () => {
    expect(problems(JSON.parse('{"__proto__":{"service":"fcm"}}'))).toEqual(['/__proto__ Unexpected field: __proto__']);
    expect(problems({ service: 'constructor', alert })).toEqual(['/service Invalid value for enum']);
  });

  it('escapes the names of fields in pointers', () => {
    expect(problems({ 'a/b~c': 1 })).toEqual(['/a~1b~0c Unexpected field: a/b~c']);
  });

  it('keeps data as it is', () => {
    const data = JSON.parse('{"a":{"b":[1,null]},"__proto__":"x"}');
    const result = castRequest(RequestV1, { service: 'fcm', ...alert, data });
    expect(result).toEqual({ ok: true, value: { service: 'fcm', ...alert, data } });
  });
});
