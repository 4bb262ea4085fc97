import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { castError } from '../api/cast-request.ts';
import { parseJson } from '../push/parse-json.ts';
import { sendRefusal } from '../api/refusals.ts';
import { FakesThreadError } from './fakes-thread.ts';
import { readPage } from './page.ts';
import type { Sandbox } from './sandbox.ts';

const noStore = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** Answers 503 if the fakes do not answer; all other errors are left to the server. */
const errorHandler = (error: unknown, _request: FastifyRequest, reply: FastifyReply): void => {
  if (!(error instanceof FakesThreadError)) throw error;
  void reply.code(503).send({ reason: 'sandbox_unavailable', details: error.message });
};

/** What the phones received, for people (`/`), and for tests and demos (`/sandbox/...`). */
export const sandboxRoutes = (sandbox: Sandbox) => {
  const page = readPage();

  return (server: FastifyInstance): void => {
    server.addHook('preClose', () => sandbox.drain());

    server.get('/', (_request, reply) => reply.headers(page.headers).type('text/html; charset=utf-8').send(page.html));

    server.get('/sandbox/devices', { errorHandler }, async (_request, reply) =>
      reply.headers(noStore).send({ devices: await sandbox.phones() }),
    );

    server.get<{ Params: { device_id: string } }>(
      '/sandbox/devices/:device_id',
      { errorHandler },
      async ({ params }, reply) => {
        const { device_id } = params;
        const [notifications, mistake] = await Promise.all([sandbox.phone(device_id), sandbox.mistakeIn(device_id)]);
        return reply.headers(noStore).send({ device_id, notifications, mistake });
      },
    );

    server.post<{ Params: { device_id: string } }>(
      '/sandbox/subscriptions/:device_id',
      { errorHandler },
      async ({ params: { device_id } }, reply) => {
        const mistake = await sandbox.mistakeIn(device_id);
        if (mistake !== undefined) return reply.code(422).send({ errors: [castError(mistake, ['device_id'])] });
        return reply
          .headers(noStore)
          .type('application/json')
          .send(await sandbox.subscription(device_id));
      },
    );

    server.get('/sandbox/events', { exposeHeadRoute: false }, async (_request, reply) => {
      if (sandbox.isFull())
        return reply
          .code(503)
          .send({ reason: 'too_many_subscribers', details: 'the maximum number of subscribers is reached' });
      reply.hijack();
      reply.raw.writeHead(200, { ...noStore, 'content-type': 'text/event-stream' });
      await sandbox.subscribe(reply.raw);
      return reply;
    });

    server.get('/sandbox/fault', { errorHandler }, async (_request, reply) =>
      reply.headers(noStore).send({ faults: await sandbox.faults() }),
    );

    server.put<{ Body: string | undefined }>('/sandbox/fault', { errorHandler }, async (request, reply) => {
      const body = parseJson(request.body ?? '');
      if (body === undefined) return sendRefusal(reply, 'malformed_json');
      const fault = await sandbox.readFault(body);
      if (!fault.ok) return reply.code(422).send({ errors: fault.errors });
      await sandbox.setFaults([fault.value]);
      return reply.send(fault.value);
    });

    server.delete('/sandbox/fault', { errorHandler }, async (_request, reply) => {
      await sandbox.setFaults([]);
      return reply.code(204).send();
    });
  };
};
