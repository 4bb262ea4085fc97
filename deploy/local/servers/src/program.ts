import { accessSync, constants, existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** An executable and the environment variables that it needs. */
export type Program = { readonly file: string; readonly env?: Readonly<Record<string, string>> };

// Servers are often installed outside the PATH of an ordinary user.
const usualFolders = [
  '/usr/bin',
  '/usr/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/sbin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
];

/** Finds a program by name, on PATH or in the usual folders. */
export const findProgram = (name: string): Program | undefined => {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), ...usualFolders];
  const file = folders.map((folder) => join(folder, name)).find(isExecutable);
  return file === undefined ? undefined : { file };
};

/** Prosody, if its push module is installed too: before Prosody 13 that is a separate package. */
export const findProsodyWithPush = (): Program | undefined => {
  const program = findProgram('prosody');
  if (!program) return undefined;
  // The executable is a Lua script; its module folder is written into it at build time.
  const modules = /^CFG_PLUGINDIR\s*=\s*['"](.+?)['"]/m.exec(readFileSync(program.file, 'utf8'))?.[1];
  if (modules === undefined) return program;
  return globSync(join(modules, 'mod_cloud_notify*')).length > 0 ? program : undefined;
};

// Debian, a source install, Homebrew, and ProcessOne's installer, which brings its own Erlang.
const ejabberdApplications = [
  '/usr/lib/*/ejabberd-*/ebin/ejabberd.app',
  '/usr/lib/ejabberd-*/ebin/ejabberd.app',
  '/usr/lib/erlang/lib/ejabberd-*/ebin/ejabberd.app',
  '/usr/local/lib/ejabberd-*/ebin/ejabberd.app',
  '/{usr/local,opt/homebrew}/opt/ejabberd/lib/**/ejabberd-*/ebin/ejabberd.app',
  '/opt/ejabberd-*/lib/ejabberd-*/ebin/ejabberd.app',
];

/** The Erlang runtime that can run ejabberd: `erl`, with the path to ejabberd and its libraries. */
export const findErlangWithEjabberd = (): Program | undefined => {
  const application = globSync(ejabberdApplications).toSorted().at(-1);
  if (application === undefined) return undefined;
  const libraries = dirname(dirname(dirname(application)));
  const ownErlang = join(dirname(libraries), 'bin', 'erl');
  const erlang = existsSync(ownErlang) ? { file: ownErlang } : findProgram('erl');
  return erlang && { file: erlang.file, env: { ERL_LIBS: libraries } };
};

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};
