import { Agent, request as httpsRequest } from 'node:https';
import type { AgentOptions } from 'node:https';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AddressNotAllowed, createGuardedLookup } from './guarded-lookup.ts';
import type { Resolve } from './guarded-lookup.ts';
import { isPublicAddress } from './public-address.ts';

/** A push to one subscription's endpoint. */
export type EndpointRequest = {
  readonly endpoint: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

export type EndpointAnswer =
  | { readonly type: 'answer'; readonly status: number; readonly headers: IncomingHttpHeaders }
  | { readonly type: 'fault'; readonly fault: EndpointFault };
export type EndpointFault = 'not_allowed' | 'unable_to_connect' | 'connection_lost' | 'request_timeout' | 'queue_full';

type Options = {
  /** Milliseconds for name lookup, connection and answer. */
  readonly timeoutMs: number;
  /**
   * The maximum number of pushes under way, to all push services and to one of them: a slow one leaves room for the
   * others.
   */
  readonly maxInFlight: number;
  readonly maxInFlightPerOrigin: number;
  /** The maximum number of idle connections, to all push services together. */
  readonly maxIdle: number;
  /** Whether private addresses are allowed too: for push services within the operator's own network. */
  readonly allowPrivate: boolean;
  readonly resolve?: Resolve;
  /** PEM certificates to trust instead of those that Node.js ships with. */
  readonly ca?: string;
};

/** Nobody reads the body of an answer; the connection is closed when it is longer than this. */
const maxAnswerBytes = 65_536;
const idleMs = 15_000;

/**
 * Posts to endpoints that anybody may have chosen: to public addresses only (`isPublicAddress`), within bounds, and without
 * following redirects. HTTP/1.1, because an endpoint is one of many hosts, most of which get a push only now and then.
 */
export const createEndpoints = (options: Options) => {
  const { timeoutMs, maxInFlight, maxInFlightPerOrigin, maxIdle, allowPrivate, resolve, ca } = options;
  const agent = new BoundedAgent(maxIdle, {
    keepAlive: true,
    timeout: idleMs,
    maxFreeSockets: maxInFlightPerOrigin,
    ...(!allowPrivate && { lookup: createGuardedLookup(resolve) }),
    ...(ca !== undefined && { ca }),
  });
  const inFlight = new Map<string, number>();
  let total = 0;

  const take = (origin: string): boolean => {
    const own = inFlight.get(origin) ?? 0;
    if (total >= maxInFlight || own >= maxInFlightPerOrigin) return false;
    inFlight.set(origin, own + 1);
    total += 1;
    return true;
  };
  const giveBack = (origin: string) => {
    const own = (inFlight.get(origin) ?? 0) - 1;
    if (own > 0) inFlight.set(origin, own);
    else inFlight.delete(origin);
    total -= 1;
  };

  return {
    post: async ({ endpoint, headers, body }: EndpointRequest): Promise<EndpointAnswer> => {
      // A host that is an IP address is not looked up, so the guarded lookup does not see it.
      const host = endpoint.hostname.replaceAll(/[[\]]/g, '');
      if (!allowPrivate && isIP(host) && !isPublicAddress(host)) return fault('not_allowed');
      if (!take(endpoint.origin)) return fault('queue_full');
      const request = httpsRequest(endpoint, {
        method: 'POST',
        headers: { ...headers, 'content-length': body.length },
        agent,
      });
      request.once('close', () => giveBack(endpoint.origin));
      const answer = answerOf(request, timeoutMs);
      request.end(body);
      return answer;
    },
    close: (): void => agent.destroy(),
  };
};

export type Endpoints = ReturnType<typeof createEndpoints>;

const fault = (kind: EndpointFault): EndpointAnswer => ({ type: 'fault', fault: kind });

/** Bounds the idle connections to all hosts together; Node's own agent has only a bound per host. */
class BoundedAgent extends Agent {
  readonly #maxIdle: number;

  constructor(maxIdle: number, options: AgentOptions) {
    super(options);
    this.#maxIdle = maxIdle;
  }

  override keepSocketAlive(socket: Duplex): boolean {
    if (count(this.freeSockets) >= this.#maxIdle) return false;
    const isKept: unknown = super.keepSocketAlive(socket);
    return isKept === true;
  }
}

const count = (sockets: Readonly<Record<string, readonly unknown[] | undefined>>): number =>
  Object.values(sockets).reduce((sum, each) => sum + (each?.length ?? 0), 0);

const answerOf = (request: ClientRequest, timeoutMs: number): Promise<EndpointAnswer> =>
  new Promise((resolve) => {
    let connected = false;
    request.once('socket', (socket: Socket) => {
      connected = request.reusedSocket;
      if (connected) return;
      socket.once('secureConnect', () => {
        connected = true;
      });
    });
    const deadline = setTimeout(() => {
      resolve(fault(connected ? 'request_timeout' : 'unable_to_connect'));
      request.destroy();
    }, timeoutMs);
    request.once('close', () => {
      clearTimeout(deadline);
      // After an answer this has no effect; to Node.js a 101 is neither an answer nor an error.
      resolve(fault('connection_lost'));
    });
    request.once('response', (response) => {
      const { statusCode = 0, headers } = response;
      resolve({ type: 'answer', status: statusCode, headers });
      discard(response);
    });
    request.on('error', (error) => {
      if (error instanceof AddressNotAllowed) return resolve(fault('not_allowed'));
      resolve(fault(connected ? 'connection_lost' : 'unable_to_connect'));
    });
  });

const discard = (response: IncomingMessage) => {
  let bytes = 0;
  response.on('error', () => response.destroy());
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) response.destroy();
  });
};
