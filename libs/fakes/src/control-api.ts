import { modes } from '@pushmesh/contracts';
import { fastify } from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Static, TObject } from 'typebox';
import { mistakeIn } from './behaviour.ts';
import { castBody, castError } from './cast-body.ts';
import type { CastError } from './cast-body.ts';
import { readFault, refuseMode } from './fault.ts';
import type { Ledger } from './ledger.ts';
import type { Fakes } from './start-fakes.ts';

type Deps = { readonly fakes: Fakes; readonly ledger: Ledger };

const closed = { additionalProperties: false } as const;
const Scope = {
  service: Type.Optional(Type.Enum(['apns', 'fcm'])),
  mode: Type.Optional(Type.Enum([...modes])),
};
const ScopeOnly = Type.Object(Scope, closed);
const Streams = Type.Object({ ...Scope, limit: Type.Integer() }, closed);
const Connections = Type.Object(
  {
    ...Scope,
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

/** The HTTP API of `npm run fakes`: it shows what the fakes received and sets their faults; docs/sandbox.md lists its calls. */
export const createControlApi = (deps: Deps): FastifyInstance => {
  const server = fastify({ logger: false, routerOptions: { maxParamLength: 16_384 } });
  server.setErrorHandler(answerUnreadableBody);
  serveReceived(server, deps);
  serveFaults(server, deps.fakes);
  serveConnections(server, deps.fakes);
  serveFcm(server, deps.fakes);
  serveSubscriptions(server, deps.fakes);
  server.post('/reset', (_request, reply) => {
    reset(deps);
    return noContent(reply);
  });
  return server;
};

/** Only JSON is accepted: a page in any browser may send a body of another type to this address. */
const answerUnreadableBody = (error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const unreadable = unreadableBodies[error.code];
  if (unreadable === undefined) throw error;
  const { 'content-type': type = 'none' } = request.headers;
  return reply.code(unreadable.status).send({ errors: [castError(`${unreadable.message} (content-type: ${type})`)] });
};

/** By the error code of Fastify. */
const unreadableBodies: Readonly<Record<string, { readonly status: number; readonly message: string }>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    message: 'expected JSON, with the header content-type: application/json',
  },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, message: 'expected JSON, but the body is not JSON' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, message: 'expected JSON, and the body is empty' },
};

const noContent = (reply: FastifyReply): FastifyReply => reply.code(204).send();
const unprocessable = (reply: FastifyReply, errors: readonly CastError[]): FastifyReply =>
  reply.code(422).send({ errors });

/** A handler that casts the body and runs with it. */
const withBody =
  <S extends TObject>(schema: S, run: (value: Static<S>) => void) =>
  (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const cast = refuseMode(castBody(schema, request.body ?? {}));
    if (!cast.ok) return unprocessable(reply, cast.errors);
    run(cast.value);
    return noContent(reply);
  };

const serveReceived = (server: FastifyInstance, { fakes, ledger }: Deps): void => {
  server.get('/', () => ({
    ...ledger.counts(),
    requests: fakes.fcm.requests(),
    connections: Object.fromEntries(http2Fakes(fakes).map(({ name, fake }) => [name, fake.connections()])),
    faults: fakes.faults.list(),
  }));
  server.get('/received', () => ({ devices: ledger.devices() }));
  server.get<{ Params: { device: string } }>('/received/:device', ({ params }) => ({
    received: ledger.of(params.device),
    mistake: mistakeIn(params.device),
  }));
  server.get('/duplicates', () => ({ duplicates: ledger.duplicates() }));
};

const serveFaults = (server: FastifyInstance, { faults }: Fakes): void => {
  server.get('/faults', () => ({ faults: faults.list() }));
  server.put('/faults', (request, reply) => {
    const read = [request.body].flat().map(readFault);
    const errors = read.flatMap((fault) => (fault.ok ? [] : fault.errors));
    if (errors.length > 0) return unprocessable(reply, errors);
    faults.set(read.flatMap((fault) => (fault.ok ? [fault.value] : [])));
    return noContent(reply);
  });
  server.delete('/faults', (_request, reply) => {
    faults.set([]);
    return noContent(reply);
  });
};

/** The fakes that speak HTTP/2, or those of this service and mode. */
const http2Fakes = ({ apns, fcm }: Fakes, { service, mode }: Static<typeof ScopeOnly> = {}) =>
  [
    { name: 'apns prod', service: 'apns', mode: 'prod', fake: apns.prod },
    { name: 'apns dev', service: 'apns', mode: 'dev', fake: apns.dev },
    { name: 'fcm', service: 'fcm', mode: undefined, fake: fcm },
  ].filter((each) => each.service === (service ?? each.service) && each.mode === (mode ?? each.mode));

const serveConnections = (server: FastifyInstance, fakes: Fakes): void => {
  const limitStreams = withBody(Streams, ({ limit, ...scope }) => {
    for (const { fake } of http2Fakes(fakes, scope)) fake.limitStreams(Math.max(0, limit));
  });
  const disturb = withBody(Connections, ({ do: what, unprocessed, reason, ...scope }) => {
    for (const { fake } of http2Fakes(fakes, scope)) {
      if (what !== 'goaway') fake[what]();
      else fake.goaway({ ...(unprocessed !== undefined && { unprocessed }), ...(reason !== undefined && { reason }) });
    }
  });
  server.put('/streams', limitStreams);
  server.post('/connections', disturb);
};

const serveFcm = (server: FastifyInstance, { fcm }: Fakes): void => {
  const playTokenFault = withBody(OAuth, ({ answer, ms = 1_000, retryAfter, error = 'invalid_grant' }) => {
    if (answer === 'slow') fcm.playTokenFault({ answer, ms });
    else if (answer === 'refused') fcm.playTokenFault({ answer, error });
    else fcm.playTokenFault({ answer, ...(retryAfter !== undefined && { retryAfter }) });
  });
  server.put('/quota', withBody(Quota, fcm.setQuota));
  server.put('/oauth', playTokenFault);
  server.delete('/oauth', (_request, reply) => {
    fcm.playTokenFault(undefined);
    return noContent(reply);
  });
  server.post('/oauth/revoke', (_request, reply) => {
    fcm.tokens.revokeTokens();
    return noContent(reply);
  });
};

const serveSubscriptions = (server: FastifyInstance, { webPush }: Fakes): void => {
  server.post<{ Params: { device: string } }>('/subscriptions/:device', ({ params: { device } }, reply) => {
    const mistake = mistakeIn(device);
    if (mistake !== undefined) return unprocessable(reply, [castError(mistake, 'device')]);
    return reply.type('application/json').send(webPush.subscribe(device));
  });
};

const reset = ({ fakes, ledger }: Deps): void => {
  fakes.faults.set([]);
  fakes.fcm.playTokenFault(undefined);
  fakes.fcm.setQuota({});
  for (const { fake, service } of http2Fakes(fakes)) fake.limitStreams(service === 'fcm' ? 100 : 1_000);
  fakes.endDelays();
  fakes.webPush.forgetSubscriptions();
  ledger.clear();
};
