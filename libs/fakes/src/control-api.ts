import { modes } from '@pushmesh/contracts';
import { fastify } from 'fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Static, TSchema } from 'typebox';
import { castError } from '../../../services/push-service/src/api/cast-request.ts';
import { mistakeIn } from './behaviour.ts';
import { castCall } from './cast-body.ts';
import type { Fakes } from './start-fakes.ts';
import { readFault, refuseMode } from './fault.ts';
import type { Ledger } from './ledger.ts';

type Deps = { readonly fakes: Fakes; readonly ledger: Ledger };

const closed = { additionalProperties: false } as const;
const Whom = {
  service: Type.Optional(Type.Enum(['apns', 'fcm'])),
  mode: Type.Optional(Type.Enum([...modes])),
};
const Streams = Type.Object({ ...Whom, limit: Type.Integer() }, closed);
const Connections = Type.Object(
  {
    ...Whom,
    do: Type.Enum(['goaway', 'cut', 'silence']),
    unprocessed: Type.Optional(Type.Integer()),
    reason: Type.Optional(Type.String()),
  },
  closed,
);
const Quota = Type.Object(
  {
    projectPerMinute: Type.Optional(Type.Integer()),
    devicePerMinute: Type.Optional(Type.Integer()),
    devicePerHour: Type.Optional(Type.Integer()),
    collapsibleBurst: Type.Optional(Type.Integer()),
  },
  closed,
);
const OAuth = Type.Object(
  {
    answer: Type.Enum(['reset', 'silence', 'html', 'malformed', 'slow', 'unavailable', 'refused']),
    ms: Type.Optional(Type.Integer()),
    retryAfter: Type.Optional(Type.String()),
    error: Type.Optional(Type.String()),
  },
  closed,
);

/** What fastify says of a body that is not JSON, in words. */
const notJson: Readonly<Record<string, { readonly status: number; readonly words: string }>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    words: 'expected JSON, with the header content-type: application/json',
  },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, words: 'expected JSON, and the body is none' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, words: 'expected JSON, and the body is empty' },
};

/** The HTTP API that tells what the fakes got and makes them misbehave; docs/sandbox.md has its calls. */
export const createControl = ({ fakes, ledger }: Deps) => {
  const server = fastify({ logger: false, routerOptions: { maxParamLength: 16_384 } });
  const done = (reply: FastifyReply) => reply.code(204).send();
  const refused = (reply: FastifyReply, errors: unknown) => reply.code(422).send({ errors });

  // Text of other types is not read as JSON: a page in somebody’s browser may send those anywhere.
  server.setErrorHandler((error: FastifyError, request, reply) => {
    const wrong = notJson[error.code];
    if (wrong === undefined) throw error;
    const { 'content-type': type = 'none' } = request.headers;
    return reply.code(wrong.status).send({ errors: [castError(`${wrong.words} (content-type: ${type})`, [])] });
  });

  /** Acts on a body of this shape. */
  const onBody =
    <S extends TSchema>(schema: S, act: (value: Static<S>) => void) =>
    (request: FastifyRequest, reply: FastifyReply) => {
      const read = refuseMode(castCall(schema, request.body ?? {}));
      if (!read.ok) return refused(reply, read.errors);
      act(read.value);
      return done(reply);
    };

  server.get('/', () => ({
    ...ledger.counts(),
    requests: fakes.fcm.requests(),
    connections: Object.fromEntries(each({}).map(({ name, fake }) => [name, fake.connections()])),
    faults: fakes.faults.list(),
  }));
  server.get('/received', () => ({ devices: ledger.devices() }));
  server.get<{ Params: { device: string } }>('/received/:device', ({ params }) => ({
    received: ledger.of(params.device),
    mistake: mistakeIn(params.device),
  }));
  server.get('/duplicates', () => ({ duplicates: ledger.duplicates() }));

  server.get('/faults', () => ({ faults: fakes.faults.list() }));
  server.put('/faults', (request, reply) => {
    const read = [request.body].flat().map(readFault);
    const errors = read.flatMap((fault) => (fault.ok ? [] : fault.errors));
    if (errors.length > 0) return refused(reply, errors);
    fakes.faults.set(read.flatMap((fault) => (fault.ok ? [fault.value] : [])));
    return done(reply);
  });
  server.delete('/faults', (_request, reply) => {
    fakes.faults.set([]);
    return done(reply);
  });

  const each = ({ service, mode }: Pick<Static<typeof Streams>, 'service' | 'mode'>) =>
    [
      { name: 'apns prod', service: 'apns', mode: 'prod', fake: fakes.apns.prod },
      { name: 'apns dev', service: 'apns', mode: 'dev', fake: fakes.apns.dev },
      { name: 'fcm', service: 'fcm', mode: undefined, fake: fakes.fcm },
    ].filter((one) => one.service === (service ?? one.service) && one.mode === (mode ?? one.mode));

  const limitStreams = onBody(Streams, ({ limit, ...whom }) => {
    for (const { fake } of each(whom)) fake.limitStreams(Math.max(0, limit));
  });
  server.put('/streams', limitStreams);
  const disturb = onBody(Connections, ({ do: what, unprocessed, reason, ...whom }) => {
    for (const { fake } of each(whom)) {
      if (what !== 'goaway') fake[what]();
      else fake.goaway({ ...(unprocessed !== undefined && { unprocessed }), ...(reason !== undefined && { reason }) });
    }
  });
  server.post('/connections', disturb);
  server.put('/quota', onBody(Quota, fakes.fcm.setQuota));

  const playTokenFault = onBody(OAuth, ({ answer, ms = 1_000, retryAfter, error = 'invalid_grant' }) => {
    if (answer === 'slow') fakes.fcm.playTokenFault({ answer, ms });
    else if (answer === 'refused') fakes.fcm.playTokenFault({ answer, error });
    else fakes.fcm.playTokenFault({ answer, ...(retryAfter !== undefined && { retryAfter }) });
  });
  server.put('/oauth', playTokenFault);
  server.delete('/oauth', (_request, reply) => {
    fakes.fcm.playTokenFault(undefined);
    return done(reply);
  });
  server.post('/oauth/revoke', (_request, reply) => {
    fakes.fcm.tokens.revokeTokens();
    return done(reply);
  });

  server.post<{ Params: { device: string } }>('/subscriptions/:device', ({ params: { device } }, reply) => {
    const mistake = mistakeIn(device);
    if (mistake !== undefined) return refused(reply, [castError(mistake, ['device'])]);
    return reply.type('application/json').send(fakes.webPush.subscribe(device));
  });

  server.post('/reset', (_request, reply) => {
    fakes.faults.set([]);
    fakes.fcm.playTokenFault(undefined);
    fakes.fcm.setQuota({});
    for (const { fake, service } of each({})) fake.limitStreams(service === 'fcm' ? 100 : 1_000);
    fakes.hurry();
    fakes.webPush.forgetSubscriptions();
    ledger.clear();
    return done(reply);
  });

  return server;
};
