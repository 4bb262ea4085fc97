import { findErlangWithEjabberd, findProgram, findProsodyWithPush, type Program } from './program.ts';

/** The servers that pushmesh needs. */
export type ServerKind = 'nats' | 'redis' | 'prosody' | 'ejabberd';

/** An image to pull, or with `packages` to build from Debian, so that it has the same versions as a Debian machine. */
export type Image = { readonly name: string; readonly program: Program; readonly packages?: string };

type Entry = {
  readonly title: string;
  readonly urlVariable?: 'NATS_URL' | 'REDIS_URL';
  readonly find: () => Program | undefined;
  readonly image: Image;
  /** Package names. For apt, the first one is also the name of the system service. */
  readonly packages: { readonly apt: readonly string[]; readonly brew: readonly string[] };
};

/** Where each server comes from. */
export const catalogue: Readonly<Record<ServerKind, Entry>> = {
  nats: {
    title: 'NATS',
    urlVariable: 'NATS_URL',
    find: () => findProgram('nats-server'),
    image: { name: 'nats:2.11-alpine', program: { file: 'nats-server' } },
    packages: { apt: ['nats-server'], brew: ['nats-server'] },
  },
  redis: {
    title: 'Redis',
    urlVariable: 'REDIS_URL',
    find: () => findProgram('redis-server') ?? findProgram('valkey-server'),
    image: { name: 'redis:7-alpine', program: { file: 'redis-server' } },
    packages: { apt: ['redis-server'], brew: ['redis'] },
  },
  prosody: {
    title: 'Prosody',
    find: findProsodyWithPush,
    image: {
      name: 'pushmesh-servers/prosody:bookworm',
      packages: 'prosody prosody-modules',
      program: { file: 'prosody' },
    },
    packages: { apt: ['prosody', 'prosody-modules'], brew: ['prosody/prosody/prosody'] },
  },
  ejabberd: {
    title: 'ejabberd',
    find: findErlangWithEjabberd,
    image: {
      name: 'pushmesh-servers/ejabberd:bookworm',
      packages: 'ejabberd',
      // The folder depends on the processor; one that does not exist does no harm.
      program: { file: 'erl', env: { ERL_LIBS: '/usr/lib/x86_64-linux-gnu:/usr/lib/aarch64-linux-gnu' } },
    },
    packages: { apt: ['ejabberd'], brew: ['ejabberd'] },
  },
};
