import { expect, it } from 'vitest';
import { commandTypes } from '@pushmesh/contracts';
import { faults } from './faults.ts';
import { refusalOf } from './reply.ts';

const all = Object.entries(faults).map(
  ([name, fault]) => [name, typeof fault === 'function' ? fault('x' as never) : fault] as const,
);

it('only trouble of ours is internal-server-error, and that is always wait: anything else costs registrations', () => {
  for (const [name, { type, condition }] of all)
    expect(condition === 'internal-server-error').toBe(['trouble', 'overLimit'].includes(name) && type === 'wait');
});

it.each(['timeout', 'no-responders', 'disconnected', 'unavailable', 'unreadable'] as const)(
  '%s is trouble, for every command',
  (type) => {
    for (const command of commandTypes.filter((each) => each !== 'authorise-publish'))
      expect(refusalOf(command, { v: 1, type } as never)).toEqual(faults.trouble);
  },
);

it('refusals of pubsub-push have their own errors', () => {
  expect(refusalOf('create-node', { v: 1, type: 'conflict' })).toEqual(faults.nodeExists);
  expect(refusalOf('delete-node', { v: 1, type: 'not-found' })).toEqual(faults.nodeUnknown);
  expect(refusalOf('delete-node', { v: 1, type: 'forbidden' })).toEqual(faults.forbidden);
  for (const command of ['get-affiliations', 'set-affiliations', 'get-configuration', 'set-configuration'] as const) {
    expect(refusalOf(command, { v: 1, type: 'not-found' })).toEqual(faults.nodeUnknown);
    expect(refusalOf(command, { v: 1, type: 'forbidden' })).toEqual(faults.forbidden);
  }
  expect(refusalOf('enable', { v: 1, type: 'too-many' })).toMatchObject({
    type: 'wait',
    condition: 'resource-constraint',
  });
});
