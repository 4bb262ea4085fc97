import type { FastifyInstance } from 'fastify';
import { parseJson } from '../../domain/parse-json.ts';
import { sendRefusal } from '../../http/refusals.ts';
import { readFault } from './fault.ts';
import { readPage } from './page.ts';
import type { Sandbox } from './sandbox.ts';

const noStore = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** What the phones got, for people (`/`), tests and demos (`/sandbox/…`). */
export const sandboxRoutes = (sandbox: Sandbox) => {
  const page = readPage();

  return (server: FastifyInstance): void => {
    server.addHook('preClose', async () => sandbox.close());

    server.get('/', (_request, reply) => reply.headers(page.headers).type('text/html; charset=utf-8').send(page.html));

    server.get('/sandbox/devices', (_request, reply) =>
      reply.headers(noStore).send({ devices: sandbox.phones.list() }),
    );

    server.get<{ Params: { device_id: string } }>('/sandbox/devices/:device_id', ({ params }, reply) =>
      reply.headers(noStore).send({ device_id: params.device_id, notifications: sandbox.phones.of(params.device_id) }),
    );

    server.get('/sandbox/events', { exposeHeadRoute: false }, (_request, reply) => {
      if (sandbox.events.isFull())
        return reply.code(503).send({ reason: 'too_many_subscribers', details: 'as many listen as may' });
      reply.hijack();
      reply.raw.writeHead(200, { ...noStore, 'content-type': 'text/event-stream' });
      sandbox.events.subscribe(reply.raw);
      return reply;
    });

    server.put<{ Body: string | undefined }>('/sandbox/fault', (request, reply) => {
      const body = parseJson(request.body ?? '');
      if (body === undefined) return sendRefusal(reply, 'malformed_json');
      const fault = readFault(body);
      if (!fault.ok) return reply.code(422).send({ errors: fault.errors });
      sandbox.playFault(fault.value);
      return reply.send(fault.value);
    });

    server.delete('/sandbox/fault', (_request, reply) => {
      sandbox.playFault(undefined);
      return reply.code(204).send();
    });
  };
};
