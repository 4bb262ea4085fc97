import { Element } from 'ltx';
import { expect, it } from 'vitest';
import { takeAway } from '../../deploy/local/registration.ts';
import type { Registration } from '../../deploy/local/registration.ts';

const registration = (what: string): Registration => ({ what, to: undefined, takeAway: () => new Element(what) });
const reply = (type: string, condition?: string): Element => {
  const iq = new Element('iq', { type });
  if (condition !== undefined) iq.c('error').c(condition);
  return iq;
};

it('removes every registration even if others fail, and reports what may be left', async () => {
  const asked: string[] = [];
  const replies: Record<string, () => Promise<Element>> = {
    silent: () => Promise.reject(new Error('no answer came')),
    refused: () => Promise.resolve(reply('error', 'forbidden')),
    gone: () => Promise.resolve(reply('error', 'item-not-found')),
    there: () => Promise.resolve(reply('result')),
  };
  const iq = (_type: unknown, _to: unknown, { name }: Element): Promise<Element> => {
    asked.push(name);
    return replies[name]?.() ?? Promise.reject(new Error(name));
  };
  const left = await takeAway({ iq }, Object.keys(replies).map(registration));
  expect(asked).toEqual(Object.keys(replies));
  expect(left).toEqual(['silent: no answer came', expect.stringMatching(/^refused: .*forbidden/)]);
});
