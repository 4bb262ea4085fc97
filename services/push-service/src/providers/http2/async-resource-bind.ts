import { AsyncResource } from 'node:async_hooks';

// The words of Node for a binding that is no function stay Node's.
const bindOfNode = AsyncResource.prototype.bind;

/** What `AsyncResource.prototype.bind` of Node does, but for the deprecated property. */
function bind(this: AsyncResource, fn: unknown, thisArg?: unknown) {
  if (typeof fn !== 'function') return bindOfNode.call(this, fn as () => void);
  const run = this.runInAsyncScope.bind(this);
  const bound = function (this: unknown, ...args: unknown[]): unknown {
    return run(fn as (...args: unknown[]) => unknown, thisArg === undefined ? this : thisArg, ...args);
  };
  return fn.length === 0 ? bound : Object.defineProperty(bound, 'length', { value: fn.length, configurable: true });
}

/**
 * Up to Node 24 every function that `AsyncResource.prototype.bind` gives back gets a property `asyncResource` of its own, with
 * two deprecation wrappers (DEP0172). `node:http2` binds one for each request: a seventh of what a push costs, since V8 keeps the
 * shape of each until its next full collection. This puts a `bind` without the property in its place, for the whole process,
 * and does nothing where Node defines it no longer.
 */
export const bindWithoutProperty = (): void => {
  const bound = new AsyncResource('probe').bind(() => {});
  if (Object.hasOwn(bound, 'asyncResource')) AsyncResource.prototype.bind = bind as typeof bindOfNode;
};
