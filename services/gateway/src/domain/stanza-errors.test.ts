import { expect, it } from 'vitest';
import { commandTypes } from '@pushmesh/contracts';
import { stanzaErrors } from './stanza-errors.ts';
import { errorOfPush, errorOfReply } from './refusals.ts';

const all = Object.entries(stanzaErrors).map(
  ([name, error]) => [name, typeof error === 'function' ? error('x' as never) : error] as const,
);

it('only internal failures are internal-server-error, and always wait: anything else costs registrations', () => {
  for (const [name, { type, condition }] of all)
    expect(condition === 'internal-server-error').toBe(['trouble', 'overLimit'].includes(name) && type === 'wait');
});

it.each(['timeout', 'no-responders', 'disconnected', 'unavailable', 'unreadable'] as const)(
  '%s is an internal failure, for every command',
  (type) => {
    for (const command of commandTypes.filter((each) => each !== 'authorise-publish'))
      expect(errorOfReply(command, { v: 1, type } as never)).toEqual(stanzaErrors.trouble);
  },
);

it('refusals of pubsub-push have their own errors', () => {
  expect(errorOfReply('create-node', { v: 1, type: 'conflict' })).toEqual(stanzaErrors.nodeExists);
  expect(errorOfReply('delete-node', { v: 1, type: 'not-found' })).toEqual(stanzaErrors.nodeUnknown);
  expect(errorOfReply('delete-node', { v: 1, type: 'forbidden' })).toEqual(stanzaErrors.forbidden);
  for (const command of ['get-affiliations', 'set-affiliations', 'get-configuration', 'set-configuration'] as const) {
    expect(errorOfReply(command, { v: 1, type: 'not-found' })).toEqual(stanzaErrors.nodeUnknown);
    expect(errorOfReply(command, { v: 1, type: 'forbidden' })).toEqual(stanzaErrors.forbidden);
  }
  expect(errorOfReply('enable', { v: 1, type: 'too-many' })).toMatchObject({
    type: 'wait',
    condition: 'resource-constraint',
  });
});

it.each([
  [{ type: 'unknown-node' }, { type: 'cancel', condition: 'item-not-found' }],
  [{ type: 'payload-required' }, { type: 'modify', condition: 'bad-request', pubsub: 'payload-required' }],
  [{ type: 'invalid-payload' }, { type: 'modify', condition: 'bad-request', pubsub: 'invalid-payload' }],
  [{ type: 'payload-too-big' }, { type: 'modify', condition: 'not-acceptable', pubsub: 'payload-too-big' }],
  [
    { type: 'options-too-large' },
    {
      type: 'cancel',
      condition: 'conflict',
      pubsub: 'precondition-not-met',
      text: 'publish-options are too large',
    },
  ],
  [
    { type: 'incomplete-options', why: 'no device' },
    { type: 'cancel', condition: 'conflict', pubsub: 'precondition-not-met', text: 'no device' },
  ],
  [{ type: 'forbidden' }, { type: 'auth', condition: 'forbidden' }],
  [{ type: 'unavailable' }, { type: 'wait', condition: 'internal-server-error' }],
] as const)('a push that is refused with %j is answered %j', (refusal, error) => {
  expect(errorOfPush(refusal)).toEqual(error);
});
