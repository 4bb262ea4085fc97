import { createElement, Element } from 'ltx';
import { defaultLimits, StreamParser, XmlError, type ParserLimits } from './stream-parser.ts';

export { Element };
export { defaultLimits, StreamParser, XmlError, type ParserLimits, type XmlCondition } from './stream-parser.ts';

/** The attributes of a new element; undefined ones are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;
/** Content of a new element; optional content may be written as `condition && xml(…)`. */
export type Child = Element | string | undefined | null | false | readonly Child[];

/** Builds an element: `xml('error', { type: 'wait' }, xml('internal-server-error', { xmlns }))`. */
export const xml = (name: string, attributes?: Attributes, ...children: readonly Child[]): Element =>
  // Copied, because ltx deletes entries of the object that it is given. Its types know no nested or absent children.
  createElement(name, { ...attributes }, ...(children as Element[]));

/**
 * An element as text. Characters that XML 1.0 §2.2 does not allow become U+FFFD: a message body from JSON can contain
 * them, and a single one makes an XMPP server close the whole stream.
 */
export const serialise = (element: Element): string => element.toString().replace(notXml, '\uFFFD');

const notXml = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

/** Parses a text that is exactly one element, as strictly as {@link StreamParser}. Returns why, if it is refused. */
export const parseStanza = (text: string, limits: ParserLimits = defaultLimits): Element | XmlError => {
  const size = Buffer.byteLength(text);
  if (size > limits.maxStanzaBytes) {
    return new XmlError('policy-violation', `${size} bytes are more than ${limits.maxStanzaBytes}`);
  }
  const parser = new StreamParser(limits);
  const elements: Element[] = [];
  let refusal: XmlError | undefined;
  parser.on('element', (element) => elements.push(element));
  parser.on('error', (error) => {
    refusal = error;
  });
  // Written in one piece, so that a text that itself closes the stream causes an error.
  parser.write(`<stream>${text}</stream>`);
  const [element, another] = elements;
  if (refusal) return refusal;
  if (!element || another) return new XmlError('not-well-formed', `${elements.length} elements instead of one`);
  return element;
};
