import { randomUUID } from 'node:crypto';
import { connectClient } from '../../deploy/local/client.ts';
import type { Client } from '../../deploy/local/client.ts';
import { createNode, disable, enable } from '../../deploy/local/guide.ts';
import type { FaultEnvironment } from './environment.ts';
import { offlineUsers } from './environment.ts';

/** Messages from a user who is online to users who are offline, each with one registration. */
export type Traffic = {
  readonly sender: Client;
  /** Sends this many messages a second, to one user after the other, until it is stopped. */
  start(perSecond: number): { stop(): Promise<void> };
  /** Sends one message to each offline user and returns the texts, in the order of the users. */
  sendToAll(): Promise<readonly string[]>;
  /** Messages sent so far. */
  sent(): number;
  close(): Promise<void>;
};

export const createTraffic = async (environment: FaultEnvironment): Promise<Traffic> => {
  await Promise.all(offlineUsers.map((user) => register(environment, user)));
  const sender = await logIn(environment, 'sender');
  const run = randomUUID().slice(0, 8);
  let count = 0;
  const send = async (): Promise<string> => {
    const message = `${run} ${count}`;
    const user = offlineUsers[count % offlineUsers.length];
    count += 1;
    await sender.message(`${user}@${environment.mesh.endpoints.xmpp.domain}`, message);
    return message;
  };

  return {
    sender,
    start: (perSecond) => {
      let stopped = false;
      const began = Date.now();
      const sending = (async () => {
        for (let n = 1; !stopped; n += 1) {
          await send();
          const due = began + (n * 1_000) / perSecond;
          await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
        }
      })();
      // `stop` reports the error, but it may be called long after the connection broke.
      sending.catch(() => {});
      return {
        stop: () => {
          stopped = true;
          return sending;
        },
      };
    },
    sendToAll: async () => {
      const texts: string[] = [];
      for (let n = 0; n < offlineUsers.length; n += 1) texts.push(await send());
      return texts;
    },
    sent: () => count,
    close: () => sender.close(),
  };
};

/** Gives a user a new push node and a new registration, in place of those of the previous run. */
const register = async (environment: FaultEnvironment, user: string): Promise<void> => {
  const { push } = environment.mesh.endpoints.components;
  const client = await logIn(environment, user);
  const node = randomUUID();
  await client.iq('set', undefined, disable(push));
  const answers = [
    await client.iq('set', push, createNode(node)),
    await client.iq('set', undefined, enable(push, node, { service: 'fcm', device_id: `phone-of-${user}` })),
  ];
  const refused = answers.find(({ attrs }) => attrs['type'] !== 'result');
  if (refused) throw new Error(`registering ${user} was answered with ${refused}`);
  await client.close();
};

const logIn = ({ mesh }: FaultEnvironment, user: string): Promise<Client> => {
  const { users, ...xmpp } = mesh.endpoints.xmpp;
  const account = users.find(({ jid }) => jid.startsWith(`${user}@`));
  if (!account) throw new Error(`there is no user ${user}`);
  return connectClient({ ...xmpp, ...account }, randomUUID().slice(0, 8));
};
