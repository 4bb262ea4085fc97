import { expect, it } from 'vitest';
import { describeProgress, readCounter } from '../../deploy/local/hops.ts';

it('reads the outcomes of pushes from metrics', () => {
  const text = [
    '# TYPE pushmesh_stanzas_total counter',
    'pushmesh_stanzas_total{component="a",request="publish",answer="result",service="gateway"} 2',
    'pushmesh_stanzas_total{component="b",request="publish",answer="result",service="gateway"} 3',
    'pushmesh_stanzas_total{component="a",request="create",answer="result",service="gateway"} 9',
  ].join('\n');
  expect(readCounter(text, 'gateway')).toEqual({ result: 5 });
});

it('describes how far a push came', () => {
  const before = { gateway: { result: 1 }, dispatcher: { delivered: 1 }, 'push-service': { ok: 1 } };
  expect(describeProgress(before, before)).toContain('no publish');
  expect(describeProgress(before, { ...before, gateway: { result: 2 } })).toContain(
    'the dispatcher has delivered nothing',
  );
  const after = {
    gateway: { result: 2 },
    dispatcher: { delivered: 1, unavailable: 3 },
    'push-service': { service_internal: 3 },
  };
  expect(describeProgress(before, after)).toContain(
    'unavailable 3 ×; answers of the push service: service_internal 3 ×',
  );
  expect(describeProgress({}, { gateway: { result: 1 } })).toContain('the dispatcher has delivered nothing');
});
