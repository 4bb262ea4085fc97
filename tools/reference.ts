// `npm run docs`: generates docs/reference from the code. With --check it writes nothing and fails if a page is stale.
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
  usage: 'Usage: npm run docs -- [--check]   (writes docs/reference; --check only reports stale pages)',
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

All configuration is by environment variables. For each variable \`X\`, \`X_FILE\` may name a file that contains the value. An empty
variable counts as unset. A service that finds problems reports all of them at once and does not start.

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

Each service serves its metrics on \`/metrics\`, with a label \`service\`, together with those of the process (\`process_*\`, \`nodejs_*\`,
including event loop lag). Every label has a bounded set of values; no token, JID or text is ever one.

${sections.join('\n\n')}
`;
};

const messaging = (): string => {
  const streamRows = Object.values(streams).map((each) => [
    `\`${each.name}\``,
    each.subjects.map((subject) => `\`${subject}\``).join(', '),
    each.retention,
    each.discard === 'new' ? 'refuses new messages' : 'discards the oldest',
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
            retry: 'retried with back-off',
            shorten: 'shortened once, then parked',
            hold: 'goes back untouched, no attempt spent',
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

A delivery that is retried expires at its deadline, or is \`exhausted\` after \`MAX_ATTEMPTS\` attempts. An outage spends no attempt: no
answer from the push API, APNs or FCM out, or our credentials refused. A delivery that is \`unavailable\` because of an outage is therefore
never exhausted. One that is \`unavailable\` for a reason specific to that push spends an attempt each time.
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

push-service serves \`POST /{v1,v2,v3}/notification/{device_id}\` as [MongoosePush](https://github.com/esl/MongoosePush) does; tests compare
it with MongoosePush's recorded answers, row by row. It differs only where MongoosePush is defective, listed below, and in two additions:

- The service \`webpush\`, which MongoosePush does not know. Its device id is the JSON text of a subscription.
- \`POST /v3/notifications\`, which takes an array of up to ${notificationsPerRequest} \`{device_id, traceparent, notification}\` and answers each
  as if it had been sent alone to \`/v3/notification/{device_id}\`: on a line of \`${linesOfJson}\`, as soon as its answer is known,
  \`{place, status, headers, body}\`. The header \`${notificationsHeader}\` of every answer to a v3 push says how many it takes. The dispatcher uses
  the route if it finds that header ([0013](../adr/0013-several-notifications-in-one-request.md)).

## Requests

${table(['request', 'answer', 'why'], rows(requestDifferences))}

## What is sent to the provider

${table(['to', 'change', 'why'], [...corrections('FCM', fcmCorrections), ...corrections('APNs', apnsCorrections)])}

FCM accepts only strings in \`data\`: a string is sent as it is, \`null\` as the empty string, anything else as its JSON text (\`["ab","c"]\`,
\`[72,105]\`, \`{"b":1}\`; MongoosePush joins lists into text and crashes on values nested in them). Numbers arrive as they
were written: \`1234567890123456789\` and \`1.0\` are not rounded.

A request without an alert whose \`data\` has \`"type":"jmi"\` is a call, as in MongoosePush 2.3. APNs gets it as \`voip\`, for the
topic with \`.voip\`, to be tried once, without \`aps\`. FCM and Web Push get it with high priority and a time to live of 30 seconds unless the
request says otherwise, and a push about the same \`jmi-sid\` replaces the previous one.

## Answers to a push (v3)

${table(["provider's answer", 'answer', 'why'], rows(outcomeDifferences))}

Not recorded, but read in MongoosePush's source:

${table(["provider's answer", 'answer', 'MongoosePush', 'why'], unrecorded)}

The requests, and every status with its body, are in [openapi.json](openapi.json), which push-service itself serves at
\`/swagger.json\` with \`PUSH_OPENAPI_EXPOSE_SPEC=true\` (any Swagger UI shows it; none is built in). Everything except
\`/healthcheck\` requires a bearer token if \`HTTP_BEARER_TOKENS\` is set. With \`PUSH_HTTPS_CLIENT_CAFILE\` every caller needs
a certificate, so probes use \`OPS_PORT\`.

A 410 that comes from APNs has the header \`x-unregistered-at\`: the time since which the token is dead, in milliseconds since 1970.
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
