// Two resources that say what happens to them: the process that lifecycle.test.ts starts. `fail` makes a drain throw,
// `hang` makes one never end, `crash` has one throw where nobody catches it, and then hang; `taken` has a third that would
// listen on the port of the second argument.
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { createOpsServer } from '../src/ops-server.ts';
import { run } from '../src/run.ts';

const say = (what: string) => process.stdout.write(`${what}\n`);
const [how, port] = process.argv.slice(2);
const log = createLog('run-two', 'error');
const alive = setInterval(() => {}, 1_000);

const throwBug = () => {
  throw new Error('a bug');
};
const resource = (name: string) => ({
  name,
  start: () => Promise.resolve(void say(`start ${name}`)),
  drain: async () => {
    say(`drain ${name}`);
    if (name === 'b' && how === 'fail') throw new Error('cannot drain');
    if (name === 'b' && how === 'crash') setImmediate(throwBug);
    if (name === 'b' && (how === 'hang' || how === 'crash')) await new Promise(() => {});
  },
  stop: () => {
    clearInterval(alive);
    return Promise.resolve(void say(`stop ${name}`));
  },
});

const third = () =>
  createOpsServer({ host: '127.0.0.1', port: Number(port), log, metrics: createMetrics('t'), resources: [] }).resource;

await run({
  log,
  deadlineMs: how === 'hang' ? 200 : 10_000,
  delayMs: 0,
  resources: [resource('a'), resource('b'), ...(how === 'taken' ? [third()] : [])],
  onStopping: () => say('stopping'),
});
say('running');
