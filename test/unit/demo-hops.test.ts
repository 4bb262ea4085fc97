import { expect, it } from 'vitest';
import { lastHop, readCounter } from '../../deploy/local/hops.ts';

it('reads from the metrics what became of the pushes', () => {
  const text = [
    '# TYPE pushmesh_stanzas_total counter',
    'pushmesh_stanzas_total{component="a",request="publish",answer="result",service="gateway"} 2',
    'pushmesh_stanzas_total{component="b",request="publish",answer="result",service="gateway"} 3',
    'pushmesh_stanzas_total{component="a",request="create",answer="result",service="gateway"} 9',
  ].join('\n');
  expect(readCounter(text, 'gateway')).toEqual({ result: 5 });
});

it('says how far a push got', () => {
  const before = { gateway: { result: 1 }, dispatcher: { delivered: 1 }, 'push-service': { ok: 1 } };
  expect(lastHop(before, before)).toContain('no publish');
  expect(lastHop(before, { ...before, gateway: { result: 2 } })).toContain('the dispatcher delivered nothing');
  const after = {
    gateway: { result: 2 },
    dispatcher: { delivered: 1, unavailable: 3 },
    'push-service': { service_internal: 3 },
  };
  expect(lastHop(before, after)).toContain('unavailable 3 ×; the push service’s answers: service_internal 3 ×');
  expect(lastHop({}, { gateway: { result: 1 } })).toContain('the dispatcher delivered nothing');
});
