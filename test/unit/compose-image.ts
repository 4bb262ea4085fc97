// What deploy/docker/Dockerfile copies into an image, and what a service needs in it.
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

export type Instruction = { readonly name: string; readonly args: string };

/** The instructions of a Dockerfile, each on one line, with the build argument SERVICE substituted. */
export const readDockerfile = (text: string, service: string): readonly Instruction[] =>
  text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .flatMap((line) => {
      const [, name, args] = /^\s*([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      if (name === undefined || args === undefined) return [];
      return [{ name, args: name === 'ARG' ? args : args.replaceAll('${SERVICE}', service) }];
    });

export const argsOf = (dockerfile: readonly Instruction[], name: string): readonly string[] =>
  dockerfile.flatMap((each) => (each.name === name ? [each.args] : []));

/** The variables that the image sets. */
export const envOf = (dockerfile: readonly Instruction[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    argsOf(dockerfile, 'ENV').flatMap((args) =>
      [...args.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)].map(([, name = '', quoted, bare]) => [
        name,
        quoted ?? bare ?? '',
      ]),
    ),
  );

/** Whether .dockerignore excludes a path: the last pattern that matches the file or a folder above it decides. */
const ignoredBy = (text: string): ((path: string) => boolean) => {
  const patterns = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ ignored: !line.startsWith('!'), matches: patternOf(line.replace(/^!/, '')) }));
  return (path) => {
    const parts = path.split('/');
    const paths = parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
    return patterns.findLast(({ matches }) => paths.some((each) => matches.test(each)))?.ignored ?? false;
  };
};

const patternOf = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[.+^$()|[\]{}]/g, '\\$&')
      .replace(/\*\*\/|\*/g, (star) => (star === '*' ? '[^/]*' : '(?:.*/)?'))}$`,
  );

export type ImageFiles = {
  /** Paths below the image's working directory. */
  readonly files: ReadonlySet<string>;
  /** COPY sources that do not exist, or that .dockerignore excludes. */
  readonly absent: readonly string[];
};

/** The files that the COPY lines put into the image. */
export const filesOf = (dockerfile: readonly Instruction[], dockerignore: string): ImageFiles => {
  const ignored = ignoredBy(dockerignore);
  const files = new Set<string>();
  const absent: string[] = [];
  for (const args of argsOf(dockerfile, 'COPY')) {
    const paths = args.split(/\s+/).filter((word) => !word.startsWith('--'));
    const target = posix.normalize(paths.pop() ?? '');
    for (const source of paths) {
      const found = filesBelow(source).filter(({ path }) => !ignored(path));
      if (found.length === 0) absent.push(source);
      for (const { inside } of found) files.add(posix.join(target, inside));
    }
  }
  return { files, absent };
};

type Found = readonly { readonly path: string; readonly inside: string }[];

/** Remembers the results: the source tree does not change while the tests run. */
const memoise = <T>(look: (name: string) => T): ((name: string) => T) => {
  const seen = new Map<string, T>();
  return (name) => {
    const value = seen.get(name) ?? look(name);
    seen.set(name, value);
    return value;
  };
};

const filesBelow = memoise((source): Found => {
  if (!existsSync(join(root, source))) return [];
  if (!statSync(join(root, source)).isDirectory()) return [{ path: source, inside: posix.basename(source) }];
  return globSync('**/*', { cwd: join(root, source), exclude: (path) => path.includes('node_modules') })
    .filter((inside) => statSync(join(root, source, inside)).isFile())
    .map((inside) => ({ path: posix.join(source, inside), inside }));
});

type Manifest = { readonly name: string; readonly dependencies?: Readonly<Record<string, string>> };

const workspaces = globSync('{libs,services}/*/package.json', { cwd: root }).map((path) => {
  const { name, dependencies = {} } = JSON.parse(read(path)) as Manifest;
  return { folder: dirname(path), name, dependencies };
});

/** What `npm ci` reads: it compares every workspace with the lock file. */
export const manifests = [
  'package.json',
  'package-lock.json',
  ...workspaces.map(({ folder }) => `${folder}/package.json`),
];

/** The folders in services/. */
export const serviceFolders = workspaces
  .map(({ folder }) => folder)
  .flatMap((folder) => (folder.startsWith('services/') ? [posix.basename(folder)] : []));

type Needs = { readonly files: ReadonlySet<string>; readonly unmet: readonly string[] };

/** The files that a service needs, and its imports that are not among its dependencies. */
export const needsOf = memoise((service): Needs => {
  const files = new Set(manifests);
  const unmet: string[] = [];
  const follow = (path: string): void => {
    if (files.has(path)) return;
    files.add(path);
    const owner = workspaces.find(({ folder }) => path.startsWith(`${folder}/`));
    for (const [, name = ''] of read(path).matchAll(
      /(?:^import |^(?:import|export|\}).* from |\bimport\()'([^']+)'/gm,
    )) {
      if (name.startsWith('node:')) continue;
      if (name.startsWith('.')) {
        follow(posix.join(dirname(path), name));
        continue;
      }
      const dependency = name.split('/', name.startsWith('@') ? 2 : 1).join('/');
      if (owner?.dependencies[dependency] === undefined)
        unmet.push(`${path} imports ${name}, which is not a dependency of ${owner?.name}`);
      const library = workspaces.find((each) => each.name === dependency);
      if (library) follow(`${library.folder}/src/index.ts`);
    }
  };
  follow(`services/${service}/src/main.ts`);
  // Files that are read rather than imported: Lua scripts, pages.
  for (const path of globSync(`services/${service}/src/**/*.*`, { cwd: root }))
    if (!path.endsWith('.ts')) files.add(path);
  return { files, unmet };
});
