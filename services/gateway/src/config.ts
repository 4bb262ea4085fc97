import { Type } from 'typebox';
import type { Static } from 'typebox';
import { groups, readConfig } from '@pushmesh/config';
import type { Check } from '@pushmesh/config';
import { problemOfService, readEntries, roles, streamModes } from './component-entries.ts';
import type { Role, StreamMode } from './component-entries.ts';

export { roles };
export type { Role };

/** One component name on one XMPP server. */
export type ComponentConfig = {
  readonly name: string;
  readonly service: string;
  readonly secret: string;
  readonly roles: readonly Role[];
  readonly stream: StreamMode;
};

const checkComponents: Check = (text) => {
  const read = text === undefined ? undefined : readEntries(text);
  return read?.ok === false ? read.why : undefined;
};

/** If XMPP_COMPONENTS cannot be read, this secret counts as that of every component. */
const checkSecret: Check = (secret, { XMPP_COMPONENTS: text = '' }) => {
  if (secret !== undefined) return undefined;
  const read = readEntries(text);
  const without = read.ok ? read.entries.filter((entry) => entry.secret === undefined).map(({ name }) => name) : [];
  if (read.ok && without.length === 0) return undefined;
  return without.length === 0 ? 'is not set' : `is not set, and ${without.join(', ')} has no secret of its own`;
};

/** The variables of the gateway. */
export const gatewaySchema = Type.Object({
  XMPP_SERVICE: Type.String({
    default: 'xmpp://127.0.0.1:5347',
    check: (service?: string) => (service === undefined ? undefined : problemOfService(service)),
    description: 'the component port of the XMPP server (XEP-0114)',
    examples: ['xmpp://xmpp.example.org:5347'],
  }),
  XMPP_COMPONENTS: Type.String({
    secret: true,
    check: checkComponents,
    description:
      'the component names, separated by commas; or a JSON list of {"name", "service"?, "secret"?, "roles"?: ["app-server", "xmpp-server"], "stream"?: "shared" or "exclusive"}',
    examples: ['push.example.org'],
  }),
  XMPP_COMPONENT_SECRET: Type.Optional(
    Type.String({
      secret: true,
      check: checkSecret,
      description: 'the secret of every component without a secret of its own; required unless each component has one',
      examples: ['XMPP_COMPONENT_SECRET_FILE=/run/secrets/xmpp'],
    }),
  ),
  XMPP_STREAM: Type.Enum([...streamModes], {
    default: 'shared',
    description:
      'how several gateways use one component name: `shared`, each has a stream (ejabberd), or `exclusive`, one has the stream and the others stand by (Prosody, MongooseIM)',
    examples: ['exclusive'],
  }),
  XMPP_MAX_STANZA_BYTES: Type.Integer({
    default: 1_048_576,
    minimum: 10_000,
    description:
      'the largest stanza that is read; a larger one is skipped and answered with an error, and one of 16 times this size closes the stream',
    examples: [1048576],
  }),
  MAX_IN_FLIGHT: Type.Integer({
    default: 1_000,
    minimum: 1,
    description:
      'how many stanzas of one component may wait for their answer before the gateway stops reading the stream',
    examples: [1000],
  }),
  MAX_PAYLOAD_BYTES: Type.Integer({
    default: 60_000,
    minimum: 1_000,
    description: 'the largest notification in a publish, not counting sender and text, which are truncated instead',
    examples: [60000],
  }),
  COMMAND_TIMEOUT_MS: Type.Integer({
    default: 1_000,
    minimum: 10,
    description:
      'how long pubsub-push may take to answer; after that, a publish is stored unverified and anything else is answered `wait`',
    examples: [1000],
  }),
  PUSH_TTL_SECONDS: Type.Integer({
    default: 14_400,
    minimum: 1,
    maximum: 2_419_200,
    description: 'how long an undelivered push is worth delivering if its options have no time_to_live',
    examples: [14400],
  }),
  ...groups.nats,
  ...groups.ops,
  ...groups.log,
});

export type GatewayConfig = Omit<Static<typeof gatewaySchema>, 'XMPP_COMPONENTS' | 'XMPP_COMPONENT_SECRET'> & {
  readonly components: readonly ComponentConfig[];
};

/** @throws {ConfigError} with every problem at once */
export const readGatewayConfig = (env?: NodeJS.ProcessEnv): GatewayConfig =>
  readConfig(
    gatewaySchema,
    env,
    ({ XMPP_COMPONENTS, XMPP_COMPONENT_SECRET: common, ...values }) => {
      const read = readEntries(XMPP_COMPONENTS);
      const components = (read.ok ? read.entries : []).map((entry) => ({
        name: entry.name,
        service: entry.service ?? values.XMPP_SERVICE,
        // Both were checked: there is one or the other.
        secret: entry.secret ?? common ?? '',
        roles: entry.roles ?? roles,
        stream: entry.stream ?? values.XMPP_STREAM,
      }));
      return { ...values, components };
    },
    { shared: ['XMPP_', 'NATS_'] },
  );
