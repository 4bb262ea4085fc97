import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { groups, readConfig } from '@pushmesh/config';
import type { Problem } from '@pushmesh/config';
import { parseJid } from '@pushmesh/xmpp';

export const roles = ['app-server', 'xmpp-server'] as const;
/** `app-server`: push nodes (create, delete, publish). `xmpp-server`: enable and disable sent to the component itself. */
export type Role = (typeof roles)[number];

export const streamModes = ['shared', 'exclusive'] as const;
/**
 * `shared`: every replica of the gateway has a stream of this name (ejabberd spreads stanzas over them). `exclusive`: one
 * replica has it, by lease, and the others stand by (Prosody and MongooseIM allow one).
 */
export type StreamMode = (typeof streamModes)[number];

/** One component name on one XMPP server. */
export type ComponentConfig = {
  readonly name: string;
  readonly service: string;
  readonly secret: string;
  readonly roles: readonly Role[];
  readonly stream: StreamMode;
};

/** The variables of the gateway. */
export const gatewaySchema = Type.Object({
  XMPP_SERVICE: Type.String({
    default: 'xmpp://127.0.0.1:5347',
    pattern: '^xmpp://[^/\\s]+$',
    description: 'the component port of the XMPP server (XEP-0114)',
    examples: ['xmpp://xmpp.example.org:5347'],
  }),
  XMPP_COMPONENTS: Type.String({
    minLength: 1,
    description:
      'the component names, separated by commas; or JSON, a list of {"name", "service"?, "secret"?, "roles"?: ["app-server", "xmpp-server"], "stream"?: "shared" or "exclusive"}',
    examples: ['push.example.org'],
  }),
  XMPP_COMPONENT_SECRET: Type.String({
    minLength: 1,
    secret: true,
    description: 'the secret of every component that has none of its own',
    examples: ['XMPP_COMPONENT_SECRET_FILE=/run/secrets/xmpp'],
  }),
  XMPP_STREAM: Type.Enum([...streamModes], {
    default: 'shared',
    description:
      'how several gateways share a component name: `shared`, each has a stream (ejabberd), or `exclusive`, one has it and the others stand by (Prosody, MongooseIM)',
    examples: ['exclusive'],
  }),
  XMPP_MAX_STANZA_BYTES: Type.Integer({
    default: 1_048_576,
    minimum: 10_000,
    description:
      'the largest stanza that is read; a larger one is skipped, and its sender told; one of 16 times as much closes the stream',
    examples: [1048576],
  }),
  MAX_IN_FLIGHT: Type.Integer({
    default: 1_000,
    minimum: 1,
    description: 'how many stanzas of one component may wait for their answer before the stream stops being read',
    examples: [1000],
  }),
  MAX_PAYLOAD_BYTES: Type.Integer({
    default: 60_000,
    minimum: 1_000,
    description: 'the largest notification of a publish, not counting sender and text, which are shortened instead',
    examples: [60000],
  }),
  COMMAND_TIMEOUT_MS: Type.Integer({
    default: 1_000,
    minimum: 10,
    description:
      'how long pubsub-push may take to answer; later, a publish is stored unverified and all else gets `wait`',
    examples: [1000],
  }),
  PUSH_TTL_SECONDS: Type.Integer({
    default: 14_400,
    minimum: 1,
    maximum: 2_419_200,
    description: 'how long an undelivered push is worth delivering when its options have no time_to_live',
    examples: [14400],
  }),
  ...groups.nats,
  ...groups.ops,
  ...groups.log,
});

const ComponentEntry = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    service: Type.Optional(Type.String({ pattern: '^xmpp://[^/\\s]+$' })),
    secret: Type.Optional(Type.String({ minLength: 1 })),
    roles: Type.Optional(Type.Array(Type.Enum([...roles]), { minItems: 1 })),
    stream: Type.Optional(Type.Enum([...streamModes])),
  },
  { additionalProperties: false },
);
const componentEntries = Compile(Type.Array(ComponentEntry, { minItems: 1 }));

export type GatewayConfig = Static<typeof gatewaySchema> & { readonly components: readonly ComponentConfig[] };

/** @throws {ConfigError} with every problem at once */
export const readGatewayConfig = (env?: NodeJS.ProcessEnv): GatewayConfig =>
  readConfig(gatewaySchema, env, (values, problems) => ({ ...values, components: readComponents(values, problems) }));

const readComponents = (values: Static<typeof gatewaySchema>, problems: Problem[]): readonly ComponentConfig[] => {
  const variable = 'XMPP_COMPONENTS';
  const refuse = (why: string): readonly [] => {
    problems.push({ variable, why });
    return [];
  };
  const entries = parseEntries(values.XMPP_COMPONENTS);
  if (!componentEntries.Check(entries)) {
    if (entries === undefined) return refuse('begins like JSON, and is not');
    const [first] = componentEntries.Errors(entries);
    return refuse(`does not fit at "${first?.instancePath ?? ''}": ${first?.message}`);
  }
  const names = entries.map(({ name }) => parseJid(name)?.domain);
  const odd = entries.find((_, index) => names[index] === undefined);
  if (odd) return refuse(`"${odd.name}" is not a domain name`);
  if (new Set(names).size < names.length) return refuse('names a component twice');
  return entries.map((entry, index) => ({
    name: names[index] ?? entry.name,
    service: entry.service ?? values.XMPP_SERVICE,
    secret: entry.secret ?? values.XMPP_COMPONENT_SECRET,
    roles: entry.roles ?? roles,
    stream: entry.stream ?? values.XMPP_STREAM,
  }));
};

const parseEntries = (text: string): unknown => {
  if (!text.startsWith('[')) return text.split(',').map((name) => ({ name: name.trim() }));
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};
