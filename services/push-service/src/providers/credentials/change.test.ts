import { expect, it } from 'vitest';
import { changeOf } from './change.ts';

const failed = { digest: 'bad', times: 1, until: 100 };

it.each([
  ['what is in use is not a change', { inUse: 'a', seen: 'a' }, 'a', 'none'],
  ['new content may be incomplete', { inUse: 'a', seen: 'a' }, 'b', 'settling'],
  ['content that changes again is looked at again', { inUse: 'a', seen: 'half' }, 'b', 'settling'],
  ['content that reads the same twice counts', { inUse: 'a', seen: 'b' }, 'b', 'new'],
  ['what was not accepted is left alone for a while', { inUse: 'a', seen: 'bad', failed }, 'bad', 'none'],
  ['but anything else is not', { inUse: 'a', seen: 'b', failed }, 'b', 'new'],
] as const)('%s', (_what, watched, read, change) => {
  expect(changeOf(watched, read, 99)).toBe(change);
});

it('what was not accepted is tried again in time', () => {
  expect(changeOf({ inUse: 'a', seen: 'bad', failed }, 'bad', 100)).toBe('new');
});
