import { catalogue, type Image, type ServerKind } from './catalogue.ts';
import { findEngine, provideImage, type Engine } from './container.ts';
import { install } from './install.ts';
import type { Program } from './program.ts';
import type { Report } from './launch.ts';

/** What is tried first: programs on this machine, or containers if an engine responds. */
export type Prefer = 'containers' | 'local';

/** Where a server comes from. */
export type Location =
  | { readonly via: 'url'; readonly url: string; readonly variable: string }
  | { readonly via: 'local'; readonly program: Program }
  | { readonly via: 'container'; readonly engine: Engine; readonly image: Image };

type LocateOptions = { readonly prefer?: Prefer; readonly report?: Report };

/** Describes where a server comes from, for humans. */
export const describeLocation = (location: Location): string => {
  switch (location.via) {
    case 'url':
      return `url from ${location.variable}`;
    case 'local':
      return `local process ${location.program.file}`;
    case 'container':
      return `container ${location.image.name}`;
  }
};

/** Finds a server; installs it if there is no other way. */
export const locate = async (kind: ServerKind, options: LocateOptions): Promise<Location> => {
  const location = await find(kind, options);
  if (location) return location;
  const failure = await install([kind], options.report ?? (() => {}));
  const program = catalogue[kind].find();
  if (program) return { via: 'local', program };
  throw new Error(missing(kind, failure));
};

/**
 * Finds all these servers and installs the missing ones together, which is faster than one at a time.
 * Returns how each one will be run.
 */
export const prepareServers = async <Kind extends ServerKind>(
  kinds: readonly Kind[],
  options: LocateOptions = {},
): Promise<Readonly<Record<Kind, string>>> => {
  const found = await Promise.all(kinds.map(async (kind) => ({ kind, location: await find(kind, options) })));
  const absent = found.filter(({ location }) => location === undefined).map(({ kind }) => kind);
  // Failures are reported by `locate` below, which tries once more to install what is still missing.
  if (absent.length > 1) await install(absent, options.report ?? (() => {}));
  const hows: Partial<Record<Kind, string>> = {};
  const failures: string[] = [];
  for (const { kind, location } of found)
    try {
      hows[kind] = describeLocation(location ?? (await locate(kind, options)));
    } catch (error) {
      failures.push((error as Error).message);
    }
  // All in one error: someone who must ask an administrator to install them should have to ask only once.
  if (failures.length > 0) throw new Error(failures.join('\n\n'));
  return hows as Record<Kind, string>;
};

const find = async (
  kind: ServerKind,
  { prefer = 'local', report = () => {} }: LocateOptions,
): Promise<Location | undefined> => {
  const { urlVariable: variable, image, find: findLocal } = catalogue[kind];
  const url = variable && process.env[variable];
  if (url) return { via: 'url', url, variable };

  const inContainer = async (): Promise<Location | undefined> => {
    const engine = await findEngine();
    return engine && (await provideImage(engine, image, report)) ? { via: 'container', engine, image } : undefined;
  };
  if (prefer === 'containers') {
    const location = await inContainer();
    if (location) return location;
  }
  const program = findLocal();
  if (program) return { via: 'local', program };
  return prefer === 'local' ? inContainer() : undefined;
};

const missing = (kind: ServerKind, failure: string): string => {
  const { title, urlVariable, packages } = catalogue[kind];
  return [
    `${title} is required but was not found: no program on this machine, no Docker engine that responds,`,
    `and ${failure}.`,
    'To provide it, do one of these:',
    `  Debian, Ubuntu:  sudo apt-get install --no-install-recommends ${packages.apt.join(' ')}`,
    `  Homebrew:        brew install ${packages.brew.join(' ')}`,
    '  any system:      start a Docker engine',
    ...(urlVariable ? [`  elsewhere:       ${urlVariable}=… names a server that is already running`] : []),
  ].join('\n');
};
