// `npm run docs`: writes docs/reference from the code. With --check it writes nothing and fails when a page is stale.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { TObject } from 'typebox';
import { format } from 'prettier';
import { describeConfig, readCommandLine } from '@pushmesh/config';
import {
  allDurables,
  linesOfJson,
  notificationsHeader,
  notificationsPerRequest,
  outcomes,
  policies,
  streams,
} from '@pushmesh/contracts';
import { dispatcherSchema } from '../services/dispatcher/src/config.ts';
import { gatewaySchema } from '../services/gateway/src/config.ts';
import { pubsubPushSchema } from '../services/pubsub-push/src/config.ts';
import {
  apnsCorrections,
  fcmCorrections,
  outcomeDifferences,
  requestDifferences,
  unrecordedDifferences,
} from '../test/golden/golden-differences.ts';
import { pushServiceConfig } from '../services/push-service/src/config.ts';
import { openApiDocument } from '../services/push-service/src/api/openapi.ts';
import { fakesConfig } from '../libs/fakes/src/config.ts';
import { metricGroups } from './metric-groups.ts';

const isCheck = readCommandLine({
  usage: 'Usage: npm run docs -- [--check]   (writes docs/reference; --check only says which page is stale)',
  options: { check: { type: 'boolean', default: false } },
  read: ({ check }) => check,
});

const generated = '<!-- Generated from the code by `npm run docs`. -->';
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const hours = (ms: number): string => (ms >= 86_400_000 ? `${ms / 86_400_000} days` : `${ms / 60_000} minutes`);

const configuration = (): string => {
  const services: Readonly<Record<string, TObject>> = {
    gateway: gatewaySchema,
    'pubsub-push': pubsubPushSchema,
    dispatcher: dispatcherSchema,
    'push-service': pushServiceConfig,
    fakes: fakesConfig,
  };
  const sections = Object.entries(services).map(([name, schema]) => `## ${name}\n\n${describeConfig(schema)}`);
  return `# Configuration

Everything is an environment variable. For each variable \`X\`, \`X_FILE\` may name a file that holds the value. An empty
variable counts as absent. A service that finds problems says all of them at once, and does not start.

${sections.join('\n\n')}
`;
};

const metrics = (): string => {
  const sections = Object.entries(metricGroups).map(([group, entries]) => {
    const rows = Object.values(entries).map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.join(', '),
      help,
    ]);
    return `## ${group}\n\n${table(['metric', 'type', 'labels', 'meaning'], rows)}`;
  });
  return `# Metrics

Each service serves these on \`/metrics\`, with a label \`service\`, beside the process’s own (\`process_*\`, \`nodejs_*\`,
event loop lag among them). Every label has a bounded set of values; no token, JID or text ever is one.

${sections.join('\n\n')}
`;
};

const messaging = (): string => {
  const streamRows = Object.values(streams).map((each) => [
    `\`${each.name}\``,
    each.subjects.map((subject) => `\`${subject}\``).join(', '),
    each.retention,
    each.discard === 'new' ? 'refuses' : 'forgets the eldest',
    hours(each.maxAgeMs),
    hours(each.duplicateWindowMs),
  ]);
  const durableRows = allDurables.map((each) => [
    `\`${each.name}\``,
    `\`${streams[each.stream].name}\``,
    `\`${each.filter}\``,
  ]);
  const outcomeRows = outcomes.map((outcome) => {
    const policy = policies[outcome];
    return policy.step === 'end'
      ? [outcome, `ends as ${policy.end}`, policy.retires ? 'retired, on evidence' : 'kept']
      : [
          outcome,
          {
            retry: 'tried again with back-off',
            shorten: 'shortened once, then parked',
            hold: 'goes back, no attempt spent',
          }[policy.step],
          'kept',
        ];
  });
  return `# Messaging

## Streams

${table(['stream', 'subjects', 'retention', 'when full', 'kept for', 'dedupe window'], streamRows)}

## Durable consumers

${table(['durable', 'stream', 'filter'], durableRows)}

## Outcomes

${table(['outcome', 'the delivery', 'the push node'], outcomeRows)}

What is tried again expires at its deadline, or is \`exhausted\` after \`MAX_ATTEMPTS\` attempts. An outage spends none, so what is
\`unavailable\` by one is never exhausted: no answer of the push API, APNs or FCM out, credentials of ours that are refused.
What is \`unavailable\` by the fault of one push spends them.
`;
};

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

const pushApi = (): string => {
  const rows = (differences: Readonly<Record<string, { status: number; body?: string; why: string }>>) =>
    Object.entries(differences).map(([what, { status, body, why }]) => [
      code(what),
      body === undefined ? String(status) : `${status} ${code(body)}`,
      why,
    ]);
  const unrecorded = Object.entries(unrecordedDifferences).map(([what, { status, body = '', theirs, why }]) => [
    code(what),
    `${status} ${code(body)}`,
    theirs,
    why,
  ]);
  return `# The MongoosePush API of push-service

\`POST /{v1,v2,v3}/notification/{device_id}\` as [MongoosePush](https://github.com/esl/MongoosePush) serves it, held against
its recorded answers row by row. It differs where MongoosePush is defective, and nowhere else,
but for the service \`webpush\`, which MongoosePush does not know: its device id is the JSON text of a subscription; and for one
route more.

\`POST /v3/notifications\` takes an array of up to ${notificationsPerRequest} \`{device_id, traceparent, notification}\`, and answers each
as if it had come alone to \`/v3/notification/{device_id}\`: on a line of \`${linesOfJson}\`, as soon as its answer is known,
\`{place, status, headers, body}\`. Every answer to a push of v3 says with \`${notificationsHeader}\` how many it takes. The dispatcher uses it where
it finds that header ([0013](../adr/0013-several-notifications-in-one-request.md)).

## Requests

${table(['request', 'answer', 'why'], rows(requestDifferences))}

## What is sent to the provider

${table(['to', 'what is changed', 'why'], [...corrections('FCM', fcmCorrections), ...corrections('APNs', apnsCorrections)])}

FCM takes strings only for \`data\`: a string goes as it is, \`null\` as the empty string, all else as its JSON text (\`["ab","c"]\`,
\`[72,105]\`, \`{"b":1}\`; MongoosePush joins lists to text and crashes over what is nested in them). Numbers arrive as they
were written: \`1234567890123456789\` and \`1.0\` are not rounded.

A request without an alert whose \`data\` has \`"type":"jmi"\` is a call, as in MongoosePush 2.3: APNs gets it as \`voip\` for the
topic with \`.voip\`, for one try, without \`aps\`; FCM and Web Push with high priority for 30 seconds unless the request says
otherwise, and one about the same \`jmi-sid\` replaces the one before.

## What came of a push (v3)

${table(['provider’s answer', 'answer', 'why'], rows(outcomeDifferences))}

Not recorded, but read in the source of MongoosePush:

${table(['provider’s answer', 'answer', 'MongoosePush', 'why'], unrecorded)}

The requests, and every status with its body: [openapi.json](openapi.json), which push-service itself serves at
\`/swagger.json\` with \`PUSH_OPENAPI_EXPOSE_SPEC=true\` (any Swagger UI shows it; none is built in). Everything but
\`/healthcheck\` asks for a bearer token when \`HTTP_BEARER_TOKENS\` is set; with \`PUSH_HTTPS_CLIENT_CAFILE\` nobody gets in
without a certificate, and probes use \`OPS_PORT\`.

A 410 of APNs comes with the header \`x-unregistered-at\`: since when the token is dead, in milliseconds.
`;
};

const corrections = (
  provider: string,
  changes: readonly { readonly what: string; readonly why: string }[],
): readonly (readonly string[])[] => changes.map(({ what, why }) => [provider, what, why]);

const markdown = (text: string): Promise<string> => format(`${generated}\n\n${text}`, { parser: 'markdown' });

const folder = new URL('../docs/reference/', import.meta.url);
const pages = {
  'configuration.md': await markdown(configuration()),
  'metrics.md': await markdown(metrics()),
  'messaging.md': await markdown(messaging()),
  'push-api.md': await markdown(pushApi()),
  'openapi.json': await format(JSON.stringify(openApiDocument), { parser: 'json', printWidth: 120 }),
};
mkdirSync(folder, { recursive: true });
for (const [name, page] of Object.entries(pages)) {
  const file = new URL(name, folder);
  if (!isCheck) writeFileSync(file, page);
  else if (page !== read(file)) {
    console.error(`docs/reference/${name} is stale: run \`npm run docs\` and commit the result`);
    process.exitCode = 1;
  }
}

function read(file: URL): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
