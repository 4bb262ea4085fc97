import { readFileSync } from 'node:fs';
import envSchema from 'env-schema';
import type { Static, TObject, TSchema } from 'typebox';
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
type Key = Partial<TSchema> & { description?: string; examples?: unknown[]; secret?: boolean };

/**
 * Reads the variables of `schema` from `env`, with defaults and types applied. For each variable `X`, `X_FILE` may name
 * a file that holds the value (Kubernetes and Docker secrets). An empty variable counts as absent, and so
 * does what Kubernetes and Docker say of a service that is called like us. Of a key, `secret` says
 * that its value is never shown, `path` that it is a path by itself.
 *
 * @param refine checks what one variable alone cannot tell and turns the flat record into the service's own type;
 *   it is called only when every variable is right by itself, and adds its problems to the list it is given
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

const collect = (schema: TObject, env: Env, problems: Problem[]): Record<string, string> => {
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

const validate = <S extends TObject>(
  schema: S,
  data: Record<string, string>,
  problems: Problem[],
): Static<S> | undefined => {
  try {
    const values = envSchema({
      schema: structuredClone(schema) as object,
      data,
      env: false,
      ajv: { customOptions: (ajv) => ajv.addKeyword('secret').addKeyword('path') },
    });
    return problems.length > 0 ? undefined : (values as Static<S>);
  } catch (error) {
    const found = (error as { errors?: AjvError[] }).errors;
    if (!found) throw error;
    const known = new Set(problems.map(({ variable }) => variable.replace(/_FILE$/, '')));
    for (const each of found) {
      const problem = toProblem(schema, data, each);
      if (known.has(problem.variable)) continue;
      known.add(problem.variable);
      problems.push(problem);
    }
    return undefined;
  }
};

const toProblem = (schema: TObject, data: Record<string, string>, error: AjvError): Problem => {
  const missing = error.keyword === 'required';
  const variable = missing ? String(error.params['missingProperty']) : (error.instancePath.split('/')[1] ?? '');
  const key: Key = schema.properties[variable] ?? {};
  const came = missing ? 'is not set' : key.secret ? 'has a value that does not fit' : `is "${data[variable]}"`;
  const example = key.examples?.[0] as string | number | undefined;
  return {
    variable,
    why: [
      came,
      missing ? undefined : expectation(error),
      key.description && `it is ${key.description}`,
      example === undefined ? undefined : `for example ${variable}=${String(example)}`,
    ]
      .filter(Boolean)
      .join('; '),
  };
};

const expectation = ({ keyword, params, message }: AjvError): string =>
  keyword === 'enum' ? `expected one of ${String(params['allowedValues'])}` : `expected a value that ${message}`;
