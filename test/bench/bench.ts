// `npm run bench`: what each hop costs on real NATS and Redis, as medians of several runs. `--only NAME,…` selects
// benchmarks, `--runs N` and `--scale F` make them longer or shorter, `--json FILE` writes the figures. Everything shares this machine.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readCommandLine, parseList } from '@pushmesh/config';
import { dispatcherBench } from './dispatcher.ts';
import { gatewayBench } from './gateway.ts';
import { growthBench } from './growth.ts';
import { ejabberdLineBench, lineBench } from './line.ts';
import { median } from './measure.ts';
import type { BenchOptions, Figure } from './measure.ts';
import { providerBench, pushServiceBench } from './push-service.ts';

type Bench = (options: BenchOptions) => Promise<readonly Figure[]>;

const benches: Readonly<Record<string, Bench>> = {
  gateway: gatewayBench,
  dispatcher: dispatcherBench,
  push_service: pushServiceBench,
  'push_service.fcm': providerBench('fcm'),
  'push_service.apns': providerBench('apns'),
  line: lineBench,
  line_ejabberd: ejabberdLineBench,
  growth: growthBench,
};

const { chosen, runs, scale, json } = readCommandLine({
  usage: `Usage: npm run bench -- [--only NAME,…] [--runs N] [--scale F] [--json FILE]
By default all benchmarks run 3 times at scale 1.
Benchmarks: ${Object.keys(benches).join(', ')}`,
  options: {
    only: { type: 'string' },
    runs: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
  read: (values, problems) => {
    const wanted = parseList('--only', values.only, Object.keys(benches), problems);
    if (!/^[1-9]\d*$/.test(values.runs)) problems.push(`--runs is "${values.runs}"; expected a positive whole number`);
    if (!(Number(values.scale) > 0))
      problems.push(`--scale is "${values.scale}"; expected a number above 0, such as 0.1`);
    // Found out now rather than at the end of a long run.
    if (values.json !== undefined && !existsSync(dirname(values.json)))
      problems.push(`--json: there is no folder ${dirname(values.json)}`);
    return {
      chosen: Object.entries(benches).filter(([name]) => wanted.includes(name)),
      runs: Number(values.runs),
      scale: Number(values.scale),
      json: values.json,
    };
  },
});

const machine = {
  cpus: cpus().length,
  model: cpus()[0]?.model ?? '',
  node: process.version,
  loadBefore: loadavg()[0] ?? 0,
};
console.log(
  `${machine.cpus} × ${machine.model}, Node.js ${machine.node}, system load ${machine.loadBefore.toFixed(2)} at the start\n`,
);

const figures = new Map<string, Figure[]>();
const measure = async (name: string, bench: Bench, run: number) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-bench-'));
  console.log(`${name}, run ${run} of ${runs} …`);
  try {
    const measured = await bench({ dataDir, scale, report: (line) => console.log(`  ${line}`) });
    for (const figure of measured) figures.set(figure.name, [...(figures.get(figure.name) ?? []), figure]);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
};
for (const [name, bench] of chosen) for (let run = 1; run <= runs; run += 1) await measure(name, bench, run);

const medians = [...figures].map(([name, all]) => {
  const of = (pick: (figure: Figure) => number) => median(all.map(pick));
  const processes = Object.keys(all[0]?.used ?? {});
  return {
    name,
    perSecond: Math.round(of(({ run }) => run.perSecond)),
    p50Ms: Number(of(({ run }) => run.p50).toFixed(2)),
    p99Ms: Number(of(({ run }) => run.p99).toFixed(2)),
    failed: of(({ run }) => run.failed),
    used: Object.fromEntries(
      processes.map((each) => [
        each,
        {
          cpuUs: Math.round(of(({ used }) => used[each]?.cpuUs ?? 0)),
          rssMb: Math.round(of(({ used }) => used[each]?.rssMb ?? 0)),
        },
      ]),
    ),
  };
});
console.log(
  '\n| benchmark | per second | p50 ms | p99 ms | failed | CPU µs per operation / RSS MB |\n|---|---:|---:|---:|---:|---|',
);
const format = (ms: number): string => (Number.isNaN(ms) ? '' : String(ms));
for (const { name, perSecond, p50Ms, p99Ms, failed, used } of medians) {
  const processes = Object.entries(used).map(([each, { cpuUs, rssMb }]) => `${each} ${cpuUs} / ${rssMb}`);
  console.log(`| ${name} | ${perSecond} | ${format(p50Ms)} | ${format(p99Ms)} | ${failed} | ${processes.join(', ')} |`);
}
console.log(`\nSystem load at the end: ${(loadavg()[0] ?? 0).toFixed(2)}`);
if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine, runs, figures: medians }, null, 2)}\n`);
