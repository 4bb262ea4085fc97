import {
  AddressedNotification,
  categories,
  linesOfJson,
  NotificationAnswer,
  notificationsHeader,
  notificationsPerRequest,
  pushApiVersions,
  RequestV1,
  RequestV3,
  unregisteredAtHeader,
} from '@pushmesh/contracts';
import type { PushApiVersion } from '@pushmesh/contracts';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { TSchema } from 'typebox';
import manifest from '../../package.json' with { type: 'json' };
import type { Refusal } from '../push/category.ts';
import { toApiAnswer } from './api-answer.ts';
import { Health } from './healthcheck.ts';
import { refusals } from './refusals.ts';

// The API as OpenAPI 3.1, whose schemas are JSON Schema: it contains the request schemas and tables of answers that the code
// itself uses. A test compares every status and body with the server.

/** `GET /swagger.json`, the path that MongoosePush uses. */
export const openApi = (server: FastifyInstance): void => {
  server.get('/swagger.json', (_request, reply) => reply.send(openApiDocument));
};

/** One way in which a request is answered. */
type Answer = {
  readonly status: number;
  readonly schema: TSchema;
  readonly why: string;
  readonly headers?: readonly (keyof typeof headers)[];
};

const headers = {
  [unregisteredAtHeader]:
    'the time since which the token has been dead, in milliseconds since 1970, if the push service gives it',
  'retry-after': 'in seconds, if the push service asks for a wait, or is not tried again before then',
  'www-authenticate': 'RFC 6750',
  [notificationsHeader]: 'how many /v3/notifications takes at once',
} as const;

type Place = (typeof refusals)[keyof typeof refusals]['at'];

const refusalsAt = (...places: readonly Place[]): readonly Answer[] =>
  Object.entries(refusals).flatMap(([reason, { status, at, details }]) =>
    places.includes(at)
      ? [
          {
            status,
            why: details,
            schema: Type.Object({ reason: Type.Literal(reason), details: Type.String() }),
            ...(status === 401 && { headers: ['www-authenticate'] as const }),
          },
        ]
      : [],
  );

/** Whatever a push service answers, the wait that it asks for is passed on; if it is down, ours is. */
const headersOf = (version: PushApiVersion, category: Refusal): NonNullable<Answer['headers']> =>
  category === 'unregistered'
    ? [unregisteredAtHeader, 'retry-after', ...ofVersion(version)]
    : ['retry-after', ...ofVersion(version)];
const ofVersion = (version: PushApiVersion): NonNullable<Answer['headers']> =>
  version === 'v3' ? [notificationsHeader] : [];

/** Stands for a push service's own word, which we cannot list. */
const anyWord = '*';

const outcomesOf = (version: PushApiVersion): readonly Answer[] =>
  categories.map((category) => {
    if (category === 'ok')
      return { status: 200, schema: Type.Null(), why: 'the push service has it', headers: ofVersion(version) };
    const { status, body } = toApiAnswer(version, { category, reason: anyWord });
    const words = Object.entries(JSON.parse(body) as Readonly<Record<string, string>>);
    const fields = words.map(([key, word]) => [key, word === anyWord ? Type.String() : Type.Literal(word)] as const);
    return {
      status,
      why: category,
      schema: Type.Object(Object.fromEntries(fields)),
      headers: headersOf(version, category),
    };
  });

const misfit: Answer = {
  status: 422,
  why: 'the body or its content-type does not fit; the places where',
  schema: Type.Object({
    errors: Type.Array(
      Type.Object({
        message: Type.String(),
        source: Type.Object({ pointer: Type.String() }),
        title: Type.Literal('Invalid value'),
      }),
      { minItems: 1 },
    ),
  }),
};

/** OpenAPI has one response for each status: the answers with the same status become alternatives of one. */
const responsesOf = (answers: readonly Answer[]) => {
  const byStatus = Map.groupBy(answers, ({ status }) => status);
  return Object.fromEntries([...byStatus].map(([status, each]) => [String(status), responseOf(each)]));
};

const responseOf = (answers: readonly Answer[]) => {
  const alternatives = [...new Map(answers.map(({ schema }) => [JSON.stringify(schema), schema])).values()];
  const [first] = alternatives;
  const names = new Set(answers.flatMap((each) => each.headers ?? []));
  return {
    description: answers.map(({ why }) => why).join('; '),
    ...(names.size > 0 && {
      headers: Object.fromEntries(
        Array.from(names, (name) => [name, { description: headers[name], schema: { type: 'string' } }]),
      ),
    }),
    content: { 'application/json': { schema: alternatives.length === 1 ? first : { anyOf: alternatives } } },
  };
};

const requests = {
  v1: { name: 'RequestV1', deprecated: true },
  v2: { name: 'RequestV3', deprecated: true },
  v3: { name: 'RequestV3', deprecated: false },
} as const satisfies Readonly<Record<PushApiVersion, { name: string; deprecated: boolean }>>;

const notification = (version: PushApiVersion) => ({
  parameters: [
    { name: 'device_id', in: 'path', required: true, description: 'the device token', schema: { type: 'string' } },
  ],
  post: {
    operationId: `notify_${version}`,
    summary: 'Sends one push to one device',
    deprecated: requests[version].deprecated,
    // Either of them: a token is required only if tokens are configured.
    security: [{ bearer: [] }, {}],
    requestBody: {
      required: true,
      content: { 'application/json': { schema: { $ref: `#/components/schemas/${requests[version].name}` } } },
    },
    responses: responsesOf([...outcomesOf(version), misfit, ...refusalsAt('push', 'every')]),
  },
  'x-other-methods': responsesOf(refusalsAt('other_method')),
});

/** The answers to each notification are in its line; they are listed with the route for a single one. */
const notifications = {
  post: {
    operationId: 'notify_several',
    summary: `Sends up to ${notificationsPerRequest} pushes; MongoosePush has no such route`,
    security: [{ bearer: [] }, {}],
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: {
            type: 'array',
            minItems: 1,
            maxItems: notificationsPerRequest,
            items: {
              ...AddressedNotification,
              properties: {
                ...AddressedNotification.properties,
                notification: { $ref: '#/components/schemas/RequestV3' },
              },
            },
          },
        },
      },
    },
    responses: {
      200: {
        description: 'a line for each notification, as soon as its answer is known',
        content: { [linesOfJson]: { schema: NotificationAnswer } },
      },
      ...responsesOf([misfit, ...refusalsAt('push', 'every')]),
    },
  },
  'x-other-methods': responsesOf(refusalsAt('other_method')),
};

export const openApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'The MongoosePush API of push-service',
    version: manifest.version,
    description:
      'What is the matter is the word `reason` in v3 and `details` in v1 and v2. Text that spells an integer or a boolean ' +
      'counts as one. Over HTTP/2 a request with too large a header, or too slow a body, is answered with a reset.',
  },
  paths: {
    ...Object.fromEntries(
      pushApiVersions.map((version) => [`/${version}/notification/{device_id}`, notification(version)]),
    ),
    '/v3/notifications': notifications,
    '/healthcheck': {
      get: {
        operationId: 'healthcheck',
        summary: 'Whether there are connections to the push services',
        security: [],
        responses: responsesOf([
          { status: 200, why: 'there is at least one connection', schema: Health },
          { status: 503, why: 'there is no connection', schema: Health },
          ...refusalsAt('every'),
        ]),
      },
      'x-other-methods': responsesOf(refusalsAt('other_method')),
    },
  },
  'x-other-paths': responsesOf(refusalsAt('other_route')),
  components: {
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    schemas: {
      RequestV1,
      RequestV3: { ...RequestV3, anyOf: [{ required: ['alert'] }, { required: ['data'] }] },
    },
  },
} as const;
