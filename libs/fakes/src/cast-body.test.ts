import { Type } from 'typebox';
import { expect, it } from 'vitest';
import { castBody } from './cast-body.ts';

const schema = Type.Object(
  {
    name: Type.String(),
    color: Type.Enum(['red', 'green']),
    size: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })),
    count: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
const valid = { name: 'n', color: 'red' };
const errorsOf = (body: unknown) => {
  const cast = castBody(schema, body);
  return cast.ok ? [] : cast.errors.map(({ message, source }) => [source.pointer, message]);
};

it('casts integers that come as strings', () => {
  expect(castBody(schema, { ...valid, size: '+7' })).toEqual({ ok: true, value: { ...valid, size: 7 } });
});

it.each([
  [undefined, [['/', 'Invalid object. Got: undefined']]],
  [null, [['/', 'null value where object expected']]],
  [[], [['/', 'Invalid object. Got: array']]],
  [{ 'b/~': 1, c: 1 }, [['/b~1~0', 'Unexpected field: b/~']]],
  [
    {},
    [
      ['/name', 'Missing field: name'],
      ['/color', 'Missing field: color'],
    ],
  ],
  [{ ...valid, name: 1, color: 2 }, [['/name', 'Invalid string. Got: integer']]],
  [{ ...valid, name: null }, [['/name', 'null value where string expected']]],
  [{ ...valid, color: 'blue' }, [['/color', 'Invalid value for enum; expected one of red, green']]],
  [{ ...valid, color: 1.5 }, [['/color', 'Invalid string. Got: number']]],
  [{ ...valid, size: '7x' }, [['/size', 'Invalid integer. Got: string']]],
  [
    { ...valid, size: 10, count: -1 },
    [
      ['/size', 'size is 10; expected 1 to 9'],
      ['/count', 'count is -1; expected 0 or more'],
    ],
  ],
])('refuses %j', (body, errors) => {
  expect(errorsOf(body)).toEqual(errors);
});
