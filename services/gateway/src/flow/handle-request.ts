import { errorOfPush } from '../domain/refusals.ts';
import type { Request } from '../domain/request.ts';
import * as nodes from './push-node-handlers.ts';
import { disable, enable } from './registration-handlers.ts';
import { done } from './request-handler.ts';
import type { Answer, Handler, Ports, RequestContext } from './request-handler.ts';

/** Hands each request to the handler of its type. */
export const createRequestHandler =
  (ports: Ports) =>
  <K extends Request['type']>(request: Extract<Request, { type: K }>, context: RequestContext): Promise<Answer> =>
    handlers[request.type](request, context, ports);

export type RequestHandler = ReturnType<typeof createRequestHandler>;

const ping: Handler<'ping'> = () => Promise.resolve(done);

const publish: Handler<'publish'> = async (request, { host, iqId, traceparent }, { acceptPush }) => {
  const acceptance = await acceptPush({ ...request, host, requestId: iqId }, traceparent);
  return acceptance.type === 'accepted' ? done : { error: errorOfPush(acceptance) };
};

/** By the type of the request. A new request does not compile without its handler. */
const handlers: { readonly [K in Request['type']]: Handler<K> } = {
  ping,
  'disco-info': nodes.getDiscoInfo,
  'disco-items': nodes.getDiscoItems,
  'create-node': nodes.createNode,
  'delete-node': nodes.deleteNode,
  'own-affiliations': nodes.getOwnAffiliations,
  'get-affiliations': nodes.getAffiliations,
  'set-affiliations': nodes.setAffiliations,
  'get-configuration': nodes.getConfiguration,
  'set-configuration': nodes.setConfiguration,
  publish,
  enable,
  disable,
};
