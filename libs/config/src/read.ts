import { readFileSync } from 'node:fs';
import envSchema from 'env-schema';
import type { Static, TObject, TSchema } from 'typebox';
import { hasCredentials } from './address.ts';
import { unreadable } from './unreadable.ts';
import { isServiceAddress, problemsOfUnknown } from './unknown.ts';
import type { OwnNames } from './unknown.ts';
import type { Env, Problem } from './problem.ts';

/** Thrown once, at startup, with every problem found. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(
      ['The configuration has problems:', ...problems.map(({ variable, why }) => `  ${variable}: ${why}`)].join('\n'),
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** The result of `read`. A bad configuration is not a crash: its problems are printed, and the process exits with 1. */
export const orExit = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
};

type AjvError = { keyword: string; instancePath: string; params: Record<string, unknown>; message?: string };
type Data = Readonly<Record<string, string>>;
type Key = Partial<TSchema> & { description?: string; examples?: unknown[]; secret?: boolean; check?: Check };

/**
 * Checks what a type cannot express. Returns what is wrong, without revealing a secret, or `undefined`. Also called if
 * the variable is not set.
 *
 * @param all every variable that is set, unparsed
 */
export type Check = (value: string | undefined, all: Data) => string | undefined;

/**
 * Reads the variables of `schema` from `env`, with defaults and types applied. For each variable `X`, `X_FILE` may name
 * a file that holds the value (Kubernetes and Docker secrets). An empty variable counts as absent, and so does the
 * address that Kubernetes or Docker sets for a service whose name collides with a variable of ours. On a key of the
 * schema, `secret` means that its value is never shown, `path` that the value is a path, and `check` is a
 * {@link Check}.
 *
 * @param refine turns the flat record into the service's own type; called only if each variable is valid on its own;
 *   adds the problems that show only now to the list it is given
 * @param own makes unknown variables with these names a problem too
 * @throws {ConfigError} with all problems at once
 */
export const readConfig = <S extends TObject, T = Static<S>>(
  schema: S,
  env: Env = process.env,
  refine?: (values: Static<S>, problems: Problem[]) => T,
  own?: OwnNames,
): T => {
  const problems: Problem[] = [];
  const data = collect(schema, env, problems);
  const values = validate(schema, data, problems);
  if (own) problems.push(...problemsOfUnknown(schema, env, own));
  if (!values) throw new ConfigError(problems);
  const refined = refine ? refine(values, problems) : (values as unknown as T);
  if (problems.length > 0) throw new ConfigError(problems);
  return refined;
};

const collect = (schema: TObject, env: Env, problems: Problem[]): Data => {
  const data: Record<string, string> = {};
  for (const name of Object.keys(schema.properties)) {
    const value = isServiceAddress(name, env[name]) ? undefined : env[name] || undefined;
    const file = env[`${name}_FILE`] || undefined;
    if (value !== undefined && file !== undefined)
      problems.push({ variable: name, why: `is set, and so is ${name}_FILE: keep one of them` });
    const found = value ?? (file === undefined ? undefined : readValueFile(name, file, problems));
    if (found !== undefined) data[name] = found;
  }
  return data;
};

const readValueFile = (name: string, file: string, problems: Problem[]): string | undefined => {
  try {
    const value = readFileSync(file, 'utf8').trim();
    if (value !== '') return value;
    problems.push({ variable: `${name}_FILE`, why: `${file} is empty` });
    return undefined;
  } catch (error) {
    problems.push({ variable: `${name}_FILE`, why: unreadable(file, error) });
    return undefined;
  }
};

/** `undefined` if there is any problem, including earlier ones. */
const validate = <S extends TObject>(schema: S, data: Data, problems: Problem[]): Static<S> | undefined => {
  const reported = new Set(problems.map(({ variable }) => variable.replace(/_FILE$/, '')));
  const add = (variable: string, key: Key, why: readonly (string | undefined)[]) => {
    if (reported.has(variable)) return;
    reported.add(variable);
    problems.push({ variable, why: [...why, ...helpOf(variable, key)].filter(Boolean).join('; ') });
  };
  const { values, errors } = applyTypes(schema, data);
  for (const error of errors) {
    const isMissing = error.keyword === 'required';
    const variable = isMissing ? String(error.params['missingProperty']) : (error.instancePath.split('/')[1] ?? '');
    const key: Key = schema.properties[variable] ?? {};
    add(variable, key, isMissing ? ['is not set'] : [found(key, data[variable]), expectation(error)]);
  }
  for (const [variable, key] of Object.entries<Key>(schema.properties)) {
    const why = key.check?.(data[variable], data);
    if (why !== undefined) add(variable, key, [why]);
  }
  return problems.length > 0 ? undefined : values;
};

const applyTypes = <S extends TObject>(
  schema: S,
  data: Data,
): { readonly values?: Static<S>; readonly errors: readonly AjvError[] } => {
  try {
    const values = envSchema({
      // Copied, because ajv writes to it, and without the functions in `check`, which ajv does not know.
      schema: JSON.parse(JSON.stringify(schema)) as object,
      data,
      env: false,
      ajv: { customOptions: (ajv) => ajv.addKeyword('secret').addKeyword('path') },
    });
    return { values: values as Static<S>, errors: [] };
  } catch (error) {
    const { errors } = error as { errors?: AjvError[] };
    if (!errors) throw error;
    return { errors };
  }
};

const found = ({ secret }: Key, value = ''): string =>
  secret || hasCredentials(value) ? 'has an invalid value' : `is "${value}"`;

const expectation = ({ keyword, params, message }: AjvError): string =>
  keyword === 'enum' ? `expected one of ${String(params['allowedValues'])}` : `it ${message}`;

/** What a variable is for, and an example; that of a secret is a complete assignment to `X_FILE`. */
const helpOf = (variable: string, { description, examples }: Key): readonly (string | undefined)[] => {
  const example = `${(examples?.[0] as string | number | boolean | undefined) ?? ''}`;
  const isAssignment = example.startsWith(`${variable}_FILE=`);
  return [
    description && `it is ${description}`,
    example === '' ? undefined : `for example ${isAssignment ? example : `${variable}=${example}`}`,
  ];
};
