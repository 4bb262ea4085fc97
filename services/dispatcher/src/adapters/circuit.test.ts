import { expect, it } from 'vitest';
import { createCircuit } from './circuit.ts';
import type { CircuitState } from './circuit.ts';

const circuitOver = (call: (input: string) => Promise<string>) => {
  const states: CircuitState[] = [];
  const circuit = createCircuit(call, (value) => value === 'bad', 'held', {
    name: 't',
    volume: 4,
    errorPercent: 50,
    resetMs: 50,
  });
  circuit.onState((state) => states.push(state));
  return { circuit, states };
};

it('opens after enough failures, holds without calling, lets one call through, and closes if that one succeeds', async () => {
  let answer = 'bad';
  let calls = 0;
  const { circuit, states } = circuitOver(() => Promise.resolve((calls++, answer)));
  for (let n = 1; n <= 4; n += 1) expect(await circuit.call('x')).toBe('bad');
  expect(states).toEqual(['open']);
  expect(await circuit.call('x')).toBe('held');
  expect(calls).toBe(4);
  await expect.poll(() => states).toEqual(['open', 'half-open']);
  answer = 'good';
  expect(await circuit.call('x')).toBe('good');
  expect(states).toEqual(['open', 'half-open', 'closed']);
  circuit.shutdown();
});

it('opens again if the call that is let through fails', async () => {
  const { circuit, states } = circuitOver(() => Promise.resolve('bad'));
  for (let n = 1; n <= 4; n += 1) await circuit.call('x');
  await expect.poll(() => states.at(-1)).toBe('half-open');
  expect(await circuit.call('x')).toBe('bad');
  expect(states.at(-1)).toBe('open');
  circuit.shutdown();
});

it('counts neither answers that are not failures nor bugs, and lets bugs through', async () => {
  const { circuit, states } = circuitOver((input) =>
    input === 'bug' ? Promise.reject(new TypeError('bug')) : Promise.resolve('refused'),
  );
  for (let n = 1; n <= 10; n += 1) await expect(circuit.call('bug')).rejects.toThrow('bug');
  for (let n = 1; n <= 10; n += 1) expect(await circuit.call('x')).toBe('refused');
  expect(states).toEqual([]);
  circuit.shutdown();
});
