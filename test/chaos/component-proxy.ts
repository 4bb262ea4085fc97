import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { dedupeKey } from '@pushmesh/acceptance';
import type { Element } from '@pushmesh/xmpp';
import { StreamParser } from '../../libs/xmpp/src/stream-parser.ts';
import { readStanza } from '../../services/gateway/src/domain/read-stanza.ts';

/** One publish of the XMPP server, as it went over the wire. */
export type RecordedPublish = {
  /** Text of the message that it is about. */
  readonly text: string;
  /** Id of the delivery that it becomes if it is accepted. */
  readonly id: string;
  /** When it passed the proxy, milliseconds since 1970. */
  readonly at: number;
  /** `result`, or the type and condition of the error; `undefined` while there is no answer. */
  answer: string | undefined;
};

export type ComponentProxy = {
  /** What the gateways connect to in place of the XMPP server. */
  readonly service: string;
  readonly publishes: readonly RecordedPublish[];
  clear(): void;
  stop(): void;
};

const limits = { maxStanzaBytes: 4_194_304, maxDepth: 64 };

/**
 * A TCP proxy between the XMPP server's component port and the gateways. It records every publish and its answer, and it is
 * the only record of what was accepted that survives every kill: a gateway's metrics die with it, and the streams also hold
 * publishes that were stored but never answered.
 */
export const startComponentProxy = async (componentPort: number): Promise<ComponentProxy> => {
  const publishes: RecordedPublish[] = [];
  const open = new Set<Socket>();

  const connectThrough = (gateway: Socket): void => {
    const server = createConnection({ host: '127.0.0.1', port: componentPort });
    // IQ ids are unique within one stream only.
    const unanswered = new Map<string, RecordedPublish>();
    for (const [from, to] of [
      [gateway, server],
      [server, gateway],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
    parseStanzas(server, (stanza) => {
      const publish = readPublish(stanza);
      if (!publish) return;
      publishes.push(publish);
      unanswered.set(String(stanza.attrs['id']), publish);
    });
    parseStanzas(gateway, (stanza) => {
      const publish = stanza.name === 'iq' ? unanswered.get(String(stanza.attrs['id'])) : undefined;
      if (publish) publish.answer = answerOf(stanza);
    });
  };

  const listener = createServer(connectThrough);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    service: `xmpp://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    publishes,
    clear: () => publishes.splice(0),
    stop: () => {
      listener.close();
      for (const socket of open) socket.destroy();
    },
  };
};

const parseStanzas = (socket: Socket, onStanza: (stanza: Element) => void): void => {
  const decoder = new StringDecoder('utf8');
  const parser = new StreamParser(limits);
  parser.on('element', onStanza);
  socket.on('data', (bytes) => parser.write(decoder.write(bytes)));
};

const readPublish = (stanza: Element): RecordedPublish | undefined => {
  const iq = readStanza(stanza, ['app-server']);
  if (!('request' in iq) || iq.request.type !== 'publish') return undefined;
  const { sender, node, payload, options } = iq.request;
  if (typeof payload === 'string') return undefined;
  const { summary } = payload;
  return {
    text: summary.lastMessageBody ?? '',
    id: dedupeKey(String(stanza.attrs['to']), sender, String(stanza.attrs['id']), node, [summary, options]),
    at: Date.now(),
    answer: undefined,
  };
};

const answerOf = (stanza: Element): string => {
  if (stanza.attrs['type'] === 'result') return 'result';
  const error = stanza.getChild('error');
  return `${error?.attrs['type']} ${error?.getChildElements()[0]?.name}`;
};
