import { readFileSync } from 'node:fs';
import envSchema from 'env-schema';
import type { Static, TObject, TSchema } from 'typebox';
import { hasCredentials } from './address.ts';
import { unreadable } from './unreadable.ts';
import { isAddressOfService, problemsOfUnknown } from './unknown.ts';
import type { OwnNames } from './unknown.ts';

/** One thing that is wrong with one variable; `why` never holds the value of a secret. */
export type Problem = { readonly variable: string; readonly why: string };

/** Thrown once, at start, with every problem that was found. */
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

/** What `read` gives. A configuration with problems is no crash: they are said, all of them, and the process ends with 1. */
export const orExit = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
};

export type Env = Readonly<Record<string, string | undefined>>;
type AjvError = { keyword: string; instancePath: string; params: Record<string, unknown>; message?: string };
type Data = Readonly<Record<string, string>>;
type Key = Partial<TSchema> & { description?: string; examples?: unknown[]; secret?: boolean; check?: Check };

/**
 * What is wrong with a variable beyond what its type says, in words that hold nothing of a secret; `undefined`: nothing.
 * It is asked also when the variable is not set.
 *
 * @param all every variable that is set, as it came
 */
export type Check = (value: string | undefined, all: Data) => string | undefined;

/**
 * Reads the variables of `schema` from `env`, with defaults and types applied. For each variable `X`, `X_FILE` may name
 * a file that holds the value (Kubernetes and Docker secrets). An empty variable counts as absent, and so
 * does what Kubernetes and Docker say of a service that is called like us. Of a key, `secret` says
 * that its value is never shown, `path` that it is a path by itself, and `check` is a {@link Check}.
 *
 * @param refine turns the flat record into the service's own type; it is called only when every variable is right by
 *   itself, and adds the problems that show no earlier to the list it is given
 * @param own a variable with such a name that `schema` does not know is a problem, too
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
    const value = isAddressOfService(name, env[name]) ? undefined : env[name] || undefined;
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

/** `undefined` when there is a problem, whichever. */
const validate = <S extends TObject>(schema: S, data: Data, problems: Problem[]): Static<S> | undefined => {
  const known = new Set(problems.map(({ variable }) => variable.replace(/_FILE$/, '')));
  const add = (variable: string, key: Key, why: readonly (string | undefined)[]) => {
    if (known.has(variable)) return;
    known.add(variable);
    problems.push({ variable, why: [...why, ...helpOf(variable, key)].filter(Boolean).join('; ') });
  };
  const { values, errors } = applyTypes(schema, data);
  for (const error of errors) {
    const isMissing = error.keyword === 'required';
    const variable = isMissing ? String(error.params['missingProperty']) : (error.instancePath.split('/')[1] ?? '');
    const key: Key = schema.properties[variable] ?? {};
    add(variable, key, isMissing ? ['is not set'] : [came(key, data[variable]), expectation(error)]);
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
      // A copy, because ajv writes into it, and without the checks, which it does not know.
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

const came = ({ secret }: Key, value = ''): string =>
  secret || hasCredentials(value) ? 'has a value that does not fit' : `is "${value}"`;

const expectation = ({ keyword, params, message }: AjvError): string =>
  keyword === 'enum' ? `expected one of ${String(params['allowedValues'])}` : `expected a value that ${message}`;

/** What a variable is for, and how it may look; the example of a secret is a whole assignment, of its file. */
const helpOf = (variable: string, { description, examples }: Key): readonly (string | undefined)[] => {
  const example = `${(examples?.[0] as string | number | boolean | undefined) ?? ''}`;
  const isWhole = example.startsWith(`${variable}_FILE=`);
  return [
    description && `it is ${description}`,
    example === '' ? undefined : `for example ${isWhole ? example : `${variable}=${example}`}`,
  ];
};
