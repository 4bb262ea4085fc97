import { createConnection } from 'node:net';
import { catalogue } from './catalogue.ts';
import type { RunningServer } from './server.ts';

const connectTimeoutMs = 5000;

/** The server that the environment names, if any. It can be used, but not stopped, killed or restarted from here. */
export const externalServer = async (
  kind: 'nats' | 'redis',
  standardPort: number,
): Promise<(RunningServer & { readonly url: string }) | undefined> => {
  const { title, urlVariable } = catalogue[kind];
  const url = urlVariable && process.env[urlVariable];
  if (!url) return undefined;

  // Several URLs name a cluster; it is enough if one of them answers.
  const refusals = await Promise.all(url.split(',').map((each) => refusalOf(each.trim(), standardPort)));
  if (!refusals.includes(undefined)) {
    throw new Error(
      `${urlVariable} names a ${title} server, but nothing answers there: ${refusals.join('; ')}. ` +
        `Start that server, or unset ${urlVariable}.`,
    );
  }
  const refuse = () =>
    Promise.reject(
      new Error(`${urlVariable} names an external ${title} server, so it cannot be killed or restarted from here`),
    );
  return {
    how: `url from ${urlVariable}`,
    url,
    ended: async () => undefined,
    stop: async () => {},
    kill: refuse,
    restart: refuse,
  };
};

const refusalOf = (url: string, standardPort: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url.includes('://') ? url : `tcp://${url}`);
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket = createConnection({ host, port: Number(port) || standardPort, timeout: connectTimeoutMs });
    const answer = (refusal: string | undefined) => {
      socket.destroy();
      resolve(refusal);
    };
    socket.on('connect', () => answer(undefined));
    socket.on('error', ({ message }) => answer(message));
    socket.on('timeout', () => answer(`no connection to ${host} within ${connectTimeoutMs / 1000} s`));
  });
