// docker-compose.yml as Compose sees it: merged and interpolated, with the services that an environment starts.
import { parse } from 'yaml';

export type ComposeService = {
  readonly image?: string;
  readonly build?: {
    readonly context: string;
    readonly dockerfile?: string;
    readonly args?: Readonly<Record<string, string>>;
  };
  readonly profiles?: readonly string[];
  readonly deploy?: { readonly replicas: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly volumes?: readonly (string | { readonly type: string; readonly source: string })[];
  readonly stop_grace_period?: string;
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
};

export type ComposeProject = {
  /** Every service of the file, whether it is started or not. */
  readonly services: Readonly<Record<string, ComposeService>>;
  /** The names of those that are started. */
  readonly started: ReadonlySet<string>;
  readonly volumes: Readonly<Record<string, unknown>>;
};

export type Env = Readonly<Record<string, string>>;

/** @throws if the text is not YAML, has a duplicate key, or needs a variable that `env` does not have */
export const readComposeProject = (text: string, env: Env): ComposeProject => {
  const file = interpolateTree(parse(text, { merge: true, uniqueKeys: true }), env) as {
    services: Record<string, ComposeService>;
    volumes?: Record<string, unknown>;
  };
  const profiles = (env['COMPOSE_PROFILES'] ?? '').split(',');
  const starts = ({ profiles: of, deploy }: ComposeService) =>
    (of === undefined || of.some((profile) => profiles.includes(profile))) && Number(deploy?.replicas ?? 1) > 0;
  const started = Object.entries(file.services).flatMap(([name, service]) => (starts(service) ? [name] : []));
  return { services: file.services, started: new Set(started), volumes: file.volumes ?? {} };
};

const interpolateTree = (node: unknown, env: Env): unknown => {
  if (typeof node === 'string') return interpolate(node, env);
  if (Array.isArray(node)) return node.map((each) => interpolateTree(each, env));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, interpolateTree(value, env)]));
};

const interpolate = (text: string, env: Env): string =>
  text.replace(/\$(?:(\$)|\{(\w+)(?::([-?])([^}]*))?\}|)/g, (all, dollar, name, how, rest) => {
    if (dollar !== undefined) return '$';
    if (name === undefined) throw new Error(`"${text}" has a $ that is neither a variable nor escaped`);
    const value = env[name] || undefined;
    if (value !== undefined) return value;
    if (how !== '-') throw new Error(how === '?' ? `${name}: ${rest}` : `${all} has no default`);
    return rest;
  });

/** The lines `NAME=value` of an env file. */
export const readEnvFile = (text: string): Env =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
