import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** An XMPP server that accepts any component handshake, sends publishes and matches their answers. */
export type XmppServerStub = {
  /** `XMPP_SERVICE` for the gateway. */
  readonly service: string;
  /** Resolves when the gateway's stream is up. */
  readonly online: Promise<void>;
  /** Sends one publish and resolves when it is answered: true for a `result`, false for an error. */
  publish(node: string, deviceId: string): Promise<boolean>;
  close(): void;
};

export const startXmppServerStub = async (component: string): Promise<XmppServerStub> => {
  const waiting = new Map<string, (ok: boolean) => void>();
  const { promise: online, resolve: isOnline } = Promise.withResolvers<void>();
  let stream: Socket | undefined;
  let unread = '';
  let counter = 0;
  let outgoing = '';

  const read = (socket: Socket, text: string): void => {
    if (text.includes('<handshake')) {
      socket.write('<handshake/>');
      stream = socket;
      isOnline();
      return;
    }
    unread += text;
    const answers = /<iq type="(result|error)" id="([^"]+)"/g;
    let end = 0;
    for (const match of unread.matchAll(answers)) {
      end = match.index + match[0].length;
      waiting.get(match[2] ?? '')?.(match[1] === 'result');
      waiting.delete(match[2] ?? '');
    }
    unread = unread.slice(end);
  };

  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(
        `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='${component}'>`,
      );
      socket.on('data', (text: string) => read(socket, text));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const flush = (): void => {
    stream?.write(outgoing);
    outgoing = '';
  };

  return {
    service: `xmpp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    online,
    publish: (node, deviceId) =>
      new Promise((resolve) => {
        counter += 1;
        const id = `b${process.pid}-${counter}`;
        waiting.set(id, resolve);
        if (!outgoing) queueMicrotask(flush);
        outgoing +=
          `<iq type='set' id='${id}' from='localhost' to='${component}'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${node}'>` +
          `<item><notification xmlns='urn:xmpp:push:0'>${summary(id)}</notification></item></publish><publish-options>${options(deviceId)}</publish-options></pubsub></iq>`;
      }),
    close: () => {
      stream?.destroy();
      server.close();
    },
  };
};

const summary = (id: string) =>
  "<x xmlns='jabber:x:data' type='form'><field type='hidden' var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field>" +
  "<field type='text-single' var='message-count'><value>1</value></field><field type='text-single' var='pending-subscription-count'/>" +
  `<field type='jid-single' var='last-message-sender'><value>bob@localhost/lab</value></field><field type='text-single' var='last-message-body'><value>Message ${id}</value></field></x>`;
const options = (deviceId: string) =>
  "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>" +
  `<field var='service'><value>fcm</value></field><field var='device_id'><value>${deviceId}</value></field></x>`;
