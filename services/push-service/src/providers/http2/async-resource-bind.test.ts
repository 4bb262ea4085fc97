import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bindWithoutProperty } from './async-resource-bind.ts';

const bindOfNode = AsyncResource.prototype.bind;
beforeAll(bindWithoutProperty);
afterAll(() => {
  AsyncResource.prototype.bind = bindOfNode;
});

const storage = new AsyncLocalStorage<string>();
const resource = storage.run('made here', () => new AsyncResource('test'));

describe('bindWithoutProperty', () => {
  it('is needed: this Node defines the property', () => {
    expect(Object.keys(bindOfNode.call(resource, () => {}))).toEqual(['asyncResource']);
    expect(Object.keys(resource.bind(() => {}))).toEqual([]);
  });

  it('runs the function in the scope of the resource', () => {
    const bound = resource.bind((first: number, second: number) => [storage.getStore(), first, second]);
    expect(storage.run('called here', () => bound(1, 2))).toEqual(['made here', 1, 2]);
    expect(bound).toHaveLength(2);
  });

  it('keeps `this`, or uses the one that was given', () => {
    const self = function (this: unknown) {
      return this;
    };
    const here = {};
    expect(resource.bind(self).call(here)).toBe(here);
    expect(AsyncResource.bind(self, 'test', here).call({})).toBe(here);
  });

  it('lets errors through, and refuses anything but a function as Node does', () => {
    const failing = resource.bind(() => {
      throw new Error('of the function');
    });
    expect(failing).toThrow('of the function');
    expect(() => resource.bind('no function' as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});
