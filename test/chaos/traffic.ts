import { randomUUID } from 'node:crypto';
import { connectClient } from '../../deploy/local/client.ts';
import type { Client } from '../../deploy/local/client.ts';
import { createNode, disable, enable } from '../../deploy/local/guide.ts';
import type { Stage } from './environment.ts';
import { awayUsers } from './environment.ts';

/** Messages of a user who is logged in to users who are away, each of whom has one registration. */
export type Traffic = {
  readonly sender: Client;
  /** Sends so many a second, to one after the other, until `stop`. */
  flow(perSecond: number): { stop(): Promise<void> };
  /** Sends one message to everybody who is away. */
  toEverybody(): Promise<readonly string[]>;
  sent(): number;
  close(): Promise<void>;
};

const logIn = (stage: Stage, user: string): Promise<Client> => {
  const { users, ...xmpp } = stage.mesh.endpoints.xmpp;
  const account = users.find(({ jid }) => jid.startsWith(`${user}@`));
  if (!account) throw new Error(`there is no user ${user}`);
  return connectClient({ ...xmpp, ...account }, randomUUID().slice(0, 8));
};

const component = (stage: Stage) => stage.mesh.endpoints.components.push;

/** Each user who is away gets a push node and a registration, in place of those of the last time. */
const register = async (stage: Stage, user: string): Promise<void> => {
  const push = component(stage);
  const client = await logIn(stage, user);
  const node = randomUUID();
  await client.iq('set', undefined, disable(push));
  const answers = [
    await client.iq('set', push, createNode(node)),
    await client.iq('set', undefined, enable(push, node, { service: 'fcm', device_id: `phone-of-${user}` })),
  ];
  const refused = answers.find(({ attrs }) => attrs['type'] !== 'result');
  if (refused) throw new Error(`the registration of ${user} was answered ${refused}`);
  await client.close();
};

export const startTraffic = async (stage: Stage): Promise<Traffic> => {
  await Promise.all(awayUsers.map((user) => register(stage, user)));
  const sender = await logIn(stage, 'sender');
  const run = randomUUID().slice(0, 8);
  let count = 0;
  const send = async (): Promise<string> => {
    const message = `${run} ${count}`;
    const user = awayUsers[count % awayUsers.length];
    count += 1;
    await sender.message(`${user}@${stage.mesh.endpoints.xmpp.domain}`, message);
    return message;
  };

  return {
    sender,
    flow: (perSecond) => {
      let stopped = false;
      const began = Date.now();
      const running = (async () => {
        for (let n = 1; !stopped; n += 1) {
          await send();
          const due = began + (n * 1_000) / perSecond;
          await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
        }
      })();
      // Told by `stop`, which may come long after the sender was closed.
      running.catch(() => {});
      return {
        stop: () => {
          stopped = true;
          return running;
        },
      };
    },
    toEverybody: async () => {
      const all: string[] = [];
      for (let n = 0; n < awayUsers.length; n += 1) all.push(await send());
      return all;
    },
    sent: () => count,
    close: () => sender.close(),
  };
};
