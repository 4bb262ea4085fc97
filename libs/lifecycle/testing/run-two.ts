// The process that lifecycle.test.ts starts: two resources that print what happens to them. With `fail` a drain throws,
// with `hang` one never ends, with `crash` one throws where nothing catches it, and then hangs. `taken` is a service whose
// ops server listens on the port given as the second argument.
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { runService } from '../src/run-service.ts';
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

const resources = [resource('a'), resource('b')];

if (how === 'taken')
  await runService({
    log,
    metrics: createMetrics('t'),
    config: { OPS_HOST: '127.0.0.1', OPS_PORT: Number(port), SHUTDOWN_DEADLINE_MS: 10_000, SHUTDOWN_DELAY_MS: 0 },
    resources,
  });
else
  await run({
    log,
    deadlineMs: how === 'hang' ? 200 : 10_000,
    delayMs: 0,
    resources,
    onStopping: () => say('stopping'),
  });
say('running');
