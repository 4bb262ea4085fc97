import { describe, expect, it } from 'vitest';
import { metricGroups } from '../../tools/metric-groups.ts';

describe('the metrics of the mesh', () => {
  const all = Object.values(metricGroups).flatMap((group) => Object.values(group));
  it('have unique names with the prefix pushmesh_', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { name } of all) expect(name).toMatch(/^pushmesh_[a-z_]+$/);
  });
  it('are called _total when they are counters, and _seconds when they are histograms', () => {
    const named = (type: string) => all.filter((metric) => metric.type === type).map(({ name }) => name);
    expect(named('counter').filter((name) => !name.endsWith('_total'))).toEqual([]);
    expect(named('histogram').filter((name) => !name.endsWith('_seconds'))).toEqual([]);
  });
});
