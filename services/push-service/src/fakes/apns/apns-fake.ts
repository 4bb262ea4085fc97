import { randomUUID } from 'node:crypto';
import { createSecureServer } from 'node:http2';
import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createFirstSeen } from '../../adapters/sandbox/first-seen.ts';
import type { FakeAuthority } from '../tls.ts';
import { createAccount } from './account.ts';
import { judge } from './checks.ts';
import type { ApnsPayload, ApnsRequest } from './checks.ts';
import { faultOf, refusal } from './faults.ts';
import type { ApnsFault, ApnsReply } from './faults.ts';
import type { ApnsKey } from './provider-token.ts';

/** What a device got. */
export type ApnsDelivery = {
  readonly token: string;
  readonly headers: ApnsRequest['headers'];
  readonly payload: ApnsPayload;
  /** The `apns-id` of the request, or the one that it was given. */
  readonly apnsId: string;
  /** Milliseconds since 1970. */
  readonly at: number;
};

export type ApnsFakeOptions = {
  /** Issues the server's certificate; its client certificates may push. */
  readonly authority: FakeAuthority;
  readonly host?: string;
  /** 0: any free one. */
  readonly port?: number;
  readonly keys: readonly ApnsKey[];
  readonly tokens?: 'any' | 'hex';
  /** The topics of the account; any when absent. */
  readonly topics?: readonly string[];
  readonly maxConcurrentStreams?: number;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  readonly onDelivered?: (delivery: ApnsDelivery) => void;
};

const maxBodyBytes = 65_536;

/** APNs on the loopback: HTTP/2 over TLS, with its checks, its answers, and on demand its faults. */
export const createApnsFake = (options: ApnsFakeOptions) => {
  const { authority, host = '127.0.0.1', tokens = 'any', topics, clock = Date.now, onDelivered = () => {} } = options;
  /** With the ids of their open streams. */
  const sessions = new Map<Http2Session, Set<number>>();
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const deadSince = createFirstSeen(10_000);
  let { keys, port = 0, maxConcurrentStreams = 1_000 } = options;
  let script: (request: ApnsRequest) => ApnsFault | undefined = () => undefined;

  const mayPush = createAccount({
    keys: () => keys,
    clock,
    onFirstValidToken: (session) => session.settings({ maxConcurrentStreams }),
  });

  const answer = (stream: ServerHttp2Stream, id: string, { status, headers, body = '' }: ApnsReply) => {
    if (stream.destroyed || stream.closed) return;
    stream.respond({ ':status': status, 'apns-id': id, ...headers }, { endStream: body === '' });
    if (body !== '') stream.end(body);
  };

  const judgeAndAnswer = (stream: ServerHttp2Stream, request: ApnsRequest, id: string) => {
    if (stream.destroyed || stream.closed || !stream.session) return;
    const stranger = mayPush(stream.session, request.headers['authorization']);
    if (stranger) return answer(stream, id, stranger);
    const judged = judge(request, { tokens, topics });
    if (!judged.ok) return answer(stream, id, refusal(judged.status, judged.reason));
    const fault = faultOf(request, () => deadSince(request.token, clock()));
    if (fault?.type === 'answer') return answer(stream, id, fault);
    const { token, headers } = request;
    onDelivered({ token, headers, payload: judged.payload, apnsId: id, at: clock() });
    answer(stream, id, { status: 200 });
  };

  const play = (stream: ServerHttp2Stream, request: ApnsRequest, fault: ApnsFault | undefined) => {
    const id = request.headers['apns-id'] ?? randomUUID();
    const go = () => judgeAndAnswer(stream, request, id);
    switch (fault?.type) {
      case 'answer':
        return answer(stream, id, fault);
      case 'hold':
        return void held.push(go);
      case 'reset':
        return stream.close(fault.code);
      case 'break':
        stream.respond({ ':status': fault.status, 'apns-id': id });
        return void stream.write('{"rea', () => stream.destroy(new Error('the answer breaks off')));
      case 'slow': {
        const timer = setTimeout(() => {
          timers.delete(timer);
          go();
        }, fault.ms);
        timers.add(timer);
        return;
      }
      case undefined:
        return go();
    }
  };

  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const open = stream.session && sessions.get(stream.session);
    const id = stream.id ?? 0;
    open?.add(id);
    stream.on('close', () => open?.delete(id));
    let body = '';
    stream.setEncoding('utf8');
    stream.on('error', () => {}); // resets and lost connections are the other side's to tell
    stream.on('data', (chunk: string) => {
      if (body.length <= maxBodyBytes) body += chunk;
    });
    stream.on('end', () => {
      const request = toRequest(headers, body);
      const chosen = faultOf(request, clock);
      play(stream, request, script(request) ?? (chosen?.type === 'answer' ? undefined : chosen));
    });
  };

  let server: ReturnType<typeof listening> | undefined;
  const listening = () =>
    createSecureServer({
      ...authority.issue('the fake APNs'),
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: false,
      settings: { maxConcurrentStreams: 1 },
    })
      .on('connection', (socket: Socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
      })
      .on('session', (session) => {
        sessions.set(session, new Set());
        session.on('close', () => sessions.delete(session)).on('error', () => {});
        // One stream until a valid token was seen; those with a certificate have shown who they are.
        const { authorized } = session.socket as { authorized?: boolean };
        if (authorized === true) session.settings({ maxConcurrentStreams });
      })
      .on('stream', onStream);

  const start = async (): Promise<void> => {
    const created = listening();
    server = created;
    await new Promise<void>((resolve, reject) => {
      created.once('error', reject).listen(port, host, resolve);
    });
    ({ port } = created.address() as AddressInfo);
  };

  return {
    start,
    /** Ends all connections in the middle; `start` opens the same port again. */
    stop: async (): Promise<void> => {
      const closed = new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
      for (const socket of sockets) socket.destroy();
      for (const timer of timers) clearTimeout(timer);
      held.length = 0;
      await closed;
    },
    origin: () => `https://${host}:${port}`,
    port: () => port,
    /** Connections that are open. */
    connections: () => sessions.size,
    /** Requests that are held. */
    held: () => held.length,
    /** Judges what is held; streams that have ended meanwhile are not delivered. */
    release: () => {
      for (const go of held.splice(0)) go();
    },
    /** What is to happen to each request from now on; `undefined` lets it be judged. */
    script: (next: (request: ApnsRequest) => ApnsFault | undefined = () => undefined) => {
      script = next;
    },
    /** The keys that count from now on. */
    trust: (next: readonly ApnsKey[]) => {
      keys = next;
    },
    /** GOAWAY on all connections (RFC 9113 §6.8): the latest `unprocessed` of their open streams were never seen. */
    goaway: ({ unprocessed = 0, code = 0, reason }: { unprocessed?: number; code?: number; reason?: string } = {}) => {
      for (const [session, ids] of sessions) {
        const firstUnprocessed = [...ids].at(-unprocessed);
        // 0 is "all that came" to Node.
        const lastId = unprocessed === 0 || firstUnprocessed === undefined ? 0 : firstUnprocessed - 2;
        session.goaway(code, lastId, reason === undefined ? undefined : Buffer.from(JSON.stringify({ reason })));
      }
    },
    /** Another number of streams for all connections, from now on. */
    limitStreams: (limit: number) => {
      maxConcurrentStreams = limit;
      for (const session of sessions.keys()) session.settings({ maxConcurrentStreams });
    },
  };
};

export type ApnsFake = ReturnType<typeof createApnsFake>;

const toRequest = (headers: IncomingHttpHeaders, body: string): ApnsRequest => {
  const path = headers[':path'] ?? '';
  const plain = Object.entries(headers).filter(([name, value]) => !name.startsWith(':') && typeof value === 'string');
  return {
    method: headers[':method'] ?? '',
    path,
    token: decode(path.replace(/^\/3\/device\//, '')),
    headers: Object.fromEntries(plain) as Record<string, string>,
    body,
  };
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
