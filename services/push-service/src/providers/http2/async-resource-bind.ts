import { AsyncResource } from 'node:async_hooks';

// Node keeps its own error for binding something that is not a function.
const bindOfNode = AsyncResource.prototype.bind;

/** Does what Node's `AsyncResource.prototype.bind` does, without the deprecated property. */
function bind(this: AsyncResource, fn: unknown, thisArg?: unknown) {
  if (typeof fn !== 'function') return bindOfNode.call(this, fn as () => void);
  const run = this.runInAsyncScope.bind(this);
  const bound = function (this: unknown, ...args: unknown[]): unknown {
    return run(fn as (...args: unknown[]) => unknown, thisArg === undefined ? this : thisArg, ...args);
  };
  return fn.length === 0 ? bound : Object.defineProperty(bound, 'length', { value: fn.length, configurable: true });
}

/**
 * Up to Node 24, every function that `AsyncResource.prototype.bind` returns gets a property `asyncResource` of its own, with
 * two deprecation wrappers (DEP0172). `node:http2` binds one function per request, and V8 keeps the shape of each until its
 * next full collection: that is a seventh of the cost of a push. This installs a `bind` without the property for the whole
 * process, and does nothing where Node no longer defines it.
 */
export const bindWithoutProperty = (): void => {
  const bound = new AsyncResource('probe').bind(() => {});
  if (Object.hasOwn(bound, 'asyncResource')) AsyncResource.prototype.bind = bind as typeof bindOfNode;
};
