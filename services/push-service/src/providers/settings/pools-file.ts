import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { unreadable } from '@pushmesh/config';
import type { Problem } from '@pushmesh/config';
import { Type } from 'typebox';
import type { Static, TObject } from 'typebox';
import { Compile } from 'typebox/compile';
import { parseJson } from '../../push/parse-json.ts';
import type { NamedFile } from '../credentials/named-file.ts';
import { hostPattern } from './variables.ts';

// The counterpart of `[[service.fcm]]` and `[[service.apns]]` in MongoosePush's TOML file. Paths are relative to the file.

/** The properties that an entry of every provider has. */
export const commonProperties = {
  name: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' })),
  tags: Type.Optional(Type.Array(Type.String(), { maxItems: 100 })),
  endpoint: Type.Optional(Type.String({ pattern: hostPattern })),
  pool_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
};
const common = Type.Object(commonProperties);
export type PoolEntry = Static<typeof common>;

/** Names the place of an entry in problems. */
export type EntryPlace = {
  /** What problems call a property of the entry. */
  readonly at: (property: string) => string;
  /** The file that a property of the entry names. */
  readonly file: (property: string, path: string) => NamedFile;
};

/**
 * One provider's part of the file: an array of entries, each of which becomes the settings of a pool. The functions are
 * methods because each section has a type of entry of its own (see `ProviderModule`).
 */
export type PoolsFileSection<Settings> = {
  /** What the provider's pools are called in text: `FCM projects`. */
  readonly title: string;
  /** The schema of an entry, closed: a property that it does not name is a problem. */
  readonly entry: TObject;
  /**
   * The name of an entry that gives none: the one that a pool has if variables configure it. It does not depend on the
   * entry's place, because the file may grow.
   */
  defaultName(entry: PoolEntry): string;
  /** What is wrong with an entry beyond what the schema can say; entries that do not fit the schema are asked as well. */
  problemOf?(entry: object): string | undefined;
  toSettings(entry: PoolEntry, name: string, place: EntryPlace): Settings;
};

const variable = 'PUSH_POOLS_FILE';
const closed = { additionalProperties: false };
const maxEntries = 100;

/**
 * Reads the file that PUSH_POOLS_FILE names. Every problem says where in the file it is.
 *
 * @param sections by the name that the section has in the file
 */
export const createPoolsFileReader = <Settings>(sections: Readonly<Record<string, PoolsFileSection<Settings>>>) => {
  const arrays = Object.entries(sections).map(
    ([key, { entry }]) => [key, Type.Optional(Type.Array(entry, { maxItems: maxEntries }))] as const,
  );
  const validator = Compile(Type.Object(Object.fromEntries(arrays), closed));

  const readContent = (path: string, problems: Problem[]): Content | undefined => {
    const content = readJson(path, problems);
    if (content === undefined) return undefined;
    if (validator.Check(content)) return content;
    for (const error of validator.Errors(content))
      // TypeBox reports an unknown property twice: once for its object, once for the property. The latter is kept.
      if (error.keyword !== 'additionalProperties')
        problems.push({ variable: at(error.instancePath), why: wordsOf(error) });
    problems.push(...problemsOfEntries(sections, content));
    return undefined;
  };

  return (path: string, problems: Problem[]): readonly Settings[] => {
    const before = problems.length;
    const content = readContent(path, problems);
    if (!content) return [];
    const folder = dirname(resolve(path));
    const entries = entriesOf(sections, content);
    problems.push(...problemsOfEntries(sections, content), ...problemsOfNames(entries, path));
    if (problems.length === before && entries.length === 0) problems.push({ variable, why: 'contains no pool' });
    return entries
      .filter(({ section, entry }) => section.problemOf?.(entry) === undefined)
      .map(({ section, entry, name, pointer }) => section.toSettings(entry, name, placeOf(pointer, folder)));
  };
};

type Content = Readonly<Record<string, readonly PoolEntry[] | undefined>>;

const at = (pointer: string): string => (pointer === '' ? variable : `${variable} ${pointer}`);

const placeOf = (pointer: string, folder: string): EntryPlace => ({
  at: (property) => at(`${pointer}/${property}`),
  file: (property, path) => ({ path: resolve(folder, path), namedBy: at(`${pointer}/${property}`) }),
});

const readJson = (path: string, problems: Problem[]): unknown => {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    problems.push({ variable, why: unreadable(path, error) });
    return undefined;
  }
  const content = parseJson(text);
  if (content === undefined) problems.push({ variable, why: `${path} is not JSON` });
  return content;
};

type SchemaError = { readonly keyword: string; readonly params: object; readonly message: string };

const wordsOf = ({ keyword, params, message }: SchemaError): string => {
  if (keyword === 'boolean') return 'is not known';
  if (keyword === 'enum') return `expected one of ${(params as { allowedValues: string[] }).allowedValues.join(', ')}`;
  if (keyword === 'required')
    return `lacks ${(params as { requiredProperties: string[] }).requiredProperties.join(', ')}`;
  return message;
};

type Sections<Settings> = Readonly<Record<string, PoolsFileSection<Settings>>>;

/** Also of a file that does not fit the schema: what would be found once the rest is mended is said at once. */
const problemsOfEntries = <Settings>(sections: Sections<Settings>, content: unknown): readonly Problem[] =>
  Object.entries(sections).flatMap(([key, section]) => {
    const array = (content as Readonly<Record<string, unknown>> | null)?.[key];
    return (Array.isArray(array) ? array : []).flatMap((entry: unknown, index) => {
      const why = typeof entry === 'object' && entry !== null ? section.problemOf?.(entry) : undefined;
      return why === undefined ? [] : [{ variable: at(`/${key}/${index}`), why }];
    });
  });

const entriesOf = <Settings>(sections: Sections<Settings>, content: Content) =>
  Object.entries(sections).flatMap(([key, section]) =>
    (content[key] ?? []).map((entry, index) => ({
      section,
      entry,
      name: entry.name ?? section.defaultName(entry),
      pointer: `/${key}/${index}`,
    })),
  );

type Placed = { readonly name: string; readonly pointer: string };

const problemsOfNames = (entries: readonly Placed[], path: string): readonly Problem[] =>
  [...Map.groupBy(entries, ({ name }) => name)]
    .filter(([, same]) => same.length > 1)
    .map(([name, same]) => ({
      variable,
      why: `${path} has several pools called ${name}, at ${same.map(({ pointer }) => pointer).join(', ')}: give each a "name" of its own, which identifies it when the file changes`,
    }));
