import type { TObject, TSchema } from 'typebox';

type Key = TSchema & {
  type?: string;
  enum?: unknown[];
  default?: unknown;
  description?: string;
  examples?: unknown[];
  secret?: boolean;
};

/** The variables of `schema` as a Markdown table, for `docs/reference/configuration.md`. */
export const describeConfig = (schema: TObject): string => {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties).map(([name, key]) => row(name, key as Key, required.has(name)));
  return ['| variable | meaning | values | default | example |', '|---|---|---|---|---|', ...rows].join('\n');
};

const row = (name: string, key: Key, required: boolean): string => {
  const meaning = `${key.description ?? ''}${key.secret ? ' (secret)' : ''}`;
  const values = key.enum ? key.enum.join(', ') : (key.type ?? '');
  const fallback = key.default === undefined ? (required ? '**required**' : '–') : code(key.default);
  const example = key.examples?.[0];
  return `| \`${name}\` | ${escape(meaning)} | ${values} | ${fallback} | ${example === undefined ? '' : code(example)} |`;
};

const code = (value: unknown): string => (value === '' ? '(empty)' : `\`${escape(String(value))}\``);
const escape = (text: string): string => text.replaceAll('|', '\\|');
