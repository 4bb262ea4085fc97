// Two resources that say what happens to them: the process that lifecycle.test.ts starts. `fail` makes a drain throw,
// `hang` makes one never end.
import { createLog } from '@pushmesh/telemetry';
import { run } from '../run.ts';

const say = (what: string) => process.stdout.write(`${what}\n`);
const [how] = process.argv.slice(2);
const alive = setInterval(() => {}, 1_000);

const resource = (name: string) => ({
  name,
  start: () => Promise.resolve(void say(`start ${name}`)),
  drain: async () => {
    say(`drain ${name}`);
    if (name === 'b' && how === 'fail') throw new Error('cannot drain');
    if (name === 'b' && how === 'hang') await new Promise(() => {});
  },
  stop: () => {
    clearInterval(alive);
    return Promise.resolve(void say(`stop ${name}`));
  },
});

await run({
  log: createLog('run-two', 'silent'),
  deadlineMs: how === 'hang' ? 200 : 10_000,
  delayMs: 0,
  resources: [resource('a'), resource('b')],
  onStopping: () => say('stopping'),
});
say('running');
