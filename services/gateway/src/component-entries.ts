import { problemOfAddress } from '@pushmesh/config';
import { parseJid } from '@pushmesh/xmpp';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';

export const roles = ['app-server', 'xmpp-server'] as const;
/** `app-server`: push nodes (create, delete, publish). `xmpp-server`: enable and disable, sent to the component itself. */
export type Role = (typeof roles)[number];

export const streamModes = ['shared', 'exclusive'] as const;
/**
 * `shared`: every replica of the gateway has a stream of this name (ejabberd spreads stanzas over them). `exclusive`: one
 * replica holds it by lease and the others stand by (Prosody and MongooseIM allow one stream).
 */
export type StreamMode = (typeof streamModes)[number];

const ComponentEntry = Type.Object(
  {
    name: Type.String(),
    service: Type.Optional(Type.String()),
    secret: Type.Optional(Type.String({ minLength: 1 })),
    roles: Type.Optional(Type.Array(Type.Enum([...roles]), { minItems: 1 })),
    stream: Type.Optional(Type.Enum([...streamModes])),
  },
  { additionalProperties: false },
);
type ComponentEntry = Static<typeof ComponentEntry>;
const componentEntries = Compile(Type.Array(ComponentEntry, { minItems: 1 }));

type Read =
  | { readonly ok: true; readonly entries: readonly ComponentEntry[] }
  /** `why` quotes nothing of the text, which may contain secrets. */
  | { readonly ok: false; readonly why: string };

/** Reads XMPP_COMPONENTS; the names are normalised as the XMPP server compares them. */
export const readEntries = (text: string): Read => {
  if (!/^\s*[[{]/.test(text)) return checked(text.split(',').map((name) => ({ name: name.trim() })));
  const parsed = parseJson(text);
  if (!parsed.ok) return wrongList(parsed.why);
  if (componentEntries.Check(parsed.value)) return checked(parsed.value);
  const problems = componentEntries.Errors(parsed.value).filter(({ keyword }) => keyword !== 'boolean');
  return wrongList(problems.map((problem) => `${placeOf(problem.instancePath)} ${expectationOf(problem)}`).join('; '));
};

/** What is wrong with the address of a component port (XEP-0114). */
export const problemOfService = (service: string): string | undefined =>
  problemOfAddress(service, {
    schemes: ['xmpp'],
    credentials: 'the secret of a component belongs in XMPP_COMPONENT_SECRET_FILE',
  });

const wrongList = (why: string): Read => ({
  ok: false,
  why: `${why}; such a list is [{"name":"push.example.org","roles":["app-server"]}]`,
});

const checked = (entries: readonly ComponentEntry[]): Read => {
  const names = entries.map(({ name }) => domainOf(name));
  const problems = entries.flatMap(({ service }, index) => {
    const entry = `entry ${index + 1}`;
    const name = names[index];
    const why = service === undefined ? undefined : problemOfService(service);
    return [
      ...(name === undefined ? [`the name of ${entry} is not a domain name`] : []),
      ...(name !== undefined && names.indexOf(name) < index ? [`${entry} names a component twice`] : []),
      ...(why === undefined ? [] : [`the service of ${entry} ${why}`]),
    ];
  });
  if (problems.length > 0) return { ok: false, why: problems.join('; ') };
  return { ok: true, entries: entries.map((entry, index) => ({ ...entry, name: names[index] ?? entry.name })) };
};

const domainOf = (name: string): string | undefined => {
  const jid = parseJid(name);
  return jid && jid.local === undefined && jid.resource === undefined ? jid.domain : undefined;
};

/** People count from one. */
const placeOf = (pointer: string): string => {
  const [, index, ...keys] = pointer.split('/');
  return index === undefined ? 'the list' : [`entry ${Number(index) + 1}`, ...keys].join('/');
};

type Fault = { readonly keyword: string; readonly params: object; readonly message: string };

const expectationOf = ({ keyword, params, message }: Fault): string => {
  const { allowedValues, additionalProperties } = params as Record<string, readonly unknown[] | undefined>;
  if (keyword === 'enum') return `must be one of ${allowedValues?.join(', ')}`;
  return keyword === 'additionalProperties' ? `has ${additionalProperties?.join(', ')}, which is unknown` : message;
};

type Json = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string };

/** Node's own message quotes the text around the error, which may be a secret. */
const parseJson = (text: string): Json => {
  const whole = parsePart(text);
  if (whole.type === 'complete') return { ok: true, value: whole.value };
  if (whole.type === 'beginning') return { ok: false, why: 'begins like JSON, but ends too early' };
  let [good, bad] = [0, text.length];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (parsePart(text.slice(0, middle)).type === 'wrong') bad = middle;
    else good = middle;
  }
  return { ok: false, why: `begins like JSON, but is not JSON from character ${bad} on` };
};

type Part = { readonly type: 'complete'; readonly value: unknown } | { readonly type: 'beginning' | 'wrong' };

const parsePart = (text: string): Part => {
  try {
    return { type: 'complete', value: JSON.parse(text) as unknown };
  } catch (error) {
    const { message } = error as Error;
    const isAtEnd = /end of JSON|unterminated/i.test(message) || message.includes(`position ${text.length} `);
    return { type: isAtEnd ? 'beginning' : 'wrong' };
  }
};
