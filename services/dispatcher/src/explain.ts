// `npm run explain`: what became of a push, by the name of its push node or the id of its delivery. It reads the streams
// and changes nothing. Exits with 0 if it found something, with 1 otherwise, and with 2 for a wrong command line.
import { openReader } from '@pushmesh/bus';
import { groups, orExit, readCommandLine, readConfig } from '@pushmesh/config';
import { Type } from 'typebox';
import { createExplain } from './flow/explain.ts';

const asked = readCommandLine({
  usage: `Usage: npm run explain -- <push node | delivery id> [--nats URL]
  (NATS_URL, NATS_CREDS and NATS_SUBJECT_PREFIX as the services have them; put one more -- before a word that begins with a dash)`,
  options: { nats: { type: 'string' } },
  allowPositionals: true,
  read: ({ nats }, problems, words) => {
    if (words.length !== 1) problems.push(`expected one push node or delivery id, got ${words.length}`);
    return { word: words[0] ?? '', nats };
  },
});

const { NATS_URL, NATS_CREDS, NATS_SUBJECT_PREFIX } = groups.nats;
const schema = Type.Object({ NATS_URL, NATS_CREDS, NATS_SUBJECT_PREFIX });
const env = asked.nats === undefined ? process.env : { ...process.env, NATS_URL: asked.nats, NATS_URL_FILE: undefined };
const config = orExit(() => readConfig(schema, env));

const reader = await openReader({
  url: config.NATS_URL,
  creds: config.NATS_CREDS,
  prefix: config.NATS_SUBJECT_PREFIX,
});
if ('why' in reader) {
  console.error(`${reader.why}. Is it the NATS of the mesh? Give another with --nats or NATS_URL.`);
  process.exit(1);
}
const explain = createExplain({ reader, clock: Date.now, withinMs: 20_000, place: config.NATS_URL });
const { isFound, text } = await explain(asked.word);
console.log(text);
await reader.close();
process.exitCode = isFound ? 0 : 1;
