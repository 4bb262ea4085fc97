import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { dedupeKey } from '@pushmesh/acceptance';
import type { Element } from '@pushmesh/xmpp';
import { StreamParser } from '../../libs/xmpp/src/stream-parser.ts';
import { readStanza } from '../../services/gateway/src/domain/request.ts';

/** One publish of the XMPP server, as it went over the wire. */
export type SeenPublish = {
  /** Text of the message that it is about. */
  readonly text: string;
  /** Id of the delivery that it becomes when it is accepted. */
  readonly id: string;
  /** When it passed, milliseconds since 1970. */
  readonly at: number;
  /** `result`, the type and condition of the error, or nothing yet. */
  answer: string | undefined;
};

/** What was said between the XMPP server and the gateways. */
export type Tap = {
  /** What the gateways connect to in place of the XMPP server. */
  readonly service: string;
  readonly publishes: readonly SeenPublish[];
  forget(): void;
  close(): void;
};

const limits = { maxStanzaBytes: 4_194_304, maxDepth: 64 };

/**
 * Stands between the XMPP server and the gateways and writes down every publish and its answer. It is the only witness of
 * what was accepted that no kill reaches: the metrics of a gateway die with it, and a stream also has what was stored
 * without the server being told.
 */
export const startTap = async (componentPort: number): Promise<Tap> => {
  const publishes: SeenPublish[] = [];
  const open = new Set<Socket>();

  const couple = (gateway: Socket): void => {
    const server = createConnection({ host: '127.0.0.1', port: componentPort });
    // Ids of IQs are unique for one stream only.
    const waiting = new Map<string, SeenPublish>();
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
    listen(server, (stanza) => {
      const seen = readPublish(stanza);
      if (!seen) return;
      publishes.push(seen);
      waiting.set(String(stanza.attrs['id']), seen);
    });
    listen(gateway, (stanza) => {
      const seen = stanza.name === 'iq' ? waiting.get(String(stanza.attrs['id'])) : undefined;
      if (seen) seen.answer = answerOf(stanza);
    });
  };

  const listener = createServer(couple);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    service: `xmpp://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    publishes,
    forget: () => publishes.splice(0),
    close: () => {
      listener.close();
      for (const socket of open) socket.destroy();
    },
  };
};

const listen = (socket: Socket, onStanza: (stanza: Element) => void): void => {
  const decoder = new StringDecoder('utf8');
  const parser = new StreamParser(limits);
  parser.on('element', onStanza);
  socket.on('data', (bytes) => parser.write(decoder.write(bytes)));
};

const readPublish = (stanza: Element): SeenPublish | undefined => {
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
