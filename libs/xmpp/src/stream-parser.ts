import { EventEmitter } from 'node:events';
import { Element } from 'ltx';
import { SaxesParser } from 'saxes';

/** What one peer may make us hold in memory. */
export type ParserLimits = {
  /** Bytes (UTF-8) of one stanza, its tags included; the stream header counts as one. */
  readonly maxStanzaBytes: number;
  /** Levels of elements in one stanza; the stanza itself is level 1. */
  readonly maxDepth: number;
  /** Attributes of one element, namespace declarations included. */
  readonly maxAttributes?: number;
};

/** Above what the servers let through: Prosody and ejabberd take 512 KiB from another server. */
export const defaultLimits: Required<ParserLimits> = { maxStanzaBytes: 1024 * 1024, maxDepth: 64, maxAttributes: 64 };

/** How many times `maxStanzaBytes` a stanza that is skipped may have: the parser below keeps a long text in one piece. */
const skippedTimes = 16;

/** The stream error that a refusal stands for (RFC 6120 §4.9.3). */
export type XmlCondition = 'not-well-formed' | 'restricted-xml' | 'policy-violation' | 'internal-server-error';

/** Why a text was refused: `condition` for the peer, `message` for the log. */
export class XmlError extends Error {
  readonly condition: XmlCondition;

  constructor(condition: XmlCondition, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'XmlError';
    this.condition = condition;
  }
}

export type StreamParserEvents = {
  /** The stream header, without children. */
  start: [root: Element];
  /** One stanza (or nonza), without parent: its name alone says that it is in the stream's default namespace. */
  element: [stanza: Element];
  /** The peer closed the stream. */
  end: [root: Element];
  /** The first and only error; the parser takes nothing in afterwards. */
  error: [error: XmlError];
  /** A stanza too large, too deep or with too many attributes, as its empty outermost element. See {@link StreamParser}. */
  refused: [head: Element, error: XmlError];
};

/**
 * A strict parser for one XML stream (RFC 6120 §11), usable as the `Parser` of `@xmpp/connection`. It refuses what XMPP
 * restricts (DTD, processing instructions, comments, undeclared entities), everything that is not well-formed, and
 * what exceeds the limits. Nothing is ever thrown.
 *
 * A stanza over a limit is refused alone, and the stream goes on, when somebody listens to `refused`: servers pass such
 * stanzas on from any user, and one user must not be able to cut the stream of everybody. Without a listener it is an
 * `error`; so is one that never seems to end.
 */
export class StreamParser extends EventEmitter<StreamParserEvents> {
  readonly #limits: Required<ParserLimits>;
  /** `forceXMLVersion`: an XML 1.1 declaration would allow control characters. Positions in messages are off for speed. */
  readonly #saxes = new SaxesParser({
    xmlns: false,
    position: false,
    forceXMLVersion: true,
    defaultXMLVersion: '1.0',
  });
  #root: Element | undefined;
  #cursor: Element | undefined;
  /** Open elements, the root included: 1 is between stanzas. */
  #depth = 0;
  #refusal: XmlError | undefined;
  /**
   * The stanza, or the root, that a closing tag completed. saxes reports a closing tag before it finds it mismatched, so
   * it waits for the next event. Kept as a value: a closure here kept every stanza alive through several collections, which
   * made parsing three times as expensive.
   */
  #completed: { readonly element: Element; readonly refusal: XmlError | undefined } | undefined;
  #inert = false;

  #chunk = '';
  /** Characters of the stream before the current chunk. */
  #chunkStart = 0;
  /** Where the part of the current chunk begins that belongs to the open stanza. */
  #from = 0;
  /** Bytes of the open stanza in earlier chunks. */
  #bytes = 0;
  #idle = false;

  constructor(limits: ParserLimits = defaultLimits) {
    super();
    this.#limits = { ...limits, maxAttributes: limits.maxAttributes ?? defaultLimits.maxAttributes };
    const saxes = this.#saxes;
    saxes.on('opentag', (tag) => this.#open(tag.name, tag.attributes));
    saxes.on('closetag', () => this.#close());
    saxes.on('text', (text) => this.#text(text));
    saxes.on('cdata', (text) => this.#cdata(text));
    saxes.on('doctype', () => restricted('a document type declaration'));
    saxes.on('processinginstruction', () => restricted('a processing instruction'));
    saxes.on('comment', () => restricted('a comment'));
    // No `error` handler: saxes throws then. An eighth handler would turn the saxes object into a slow one in V8, which
    // makes parsing four times as expensive.
  }

  /** Takes in the next characters of the stream. */
  write(chunk: string): void {
    if (this.#inert || (this.#idle && isBlank(chunk))) return;
    // A keep-alive never reaches saxes, which would collect the white space until the next tag.
    this.#chunkStart += this.#chunk.length;
    this.#chunk = chunk;
    this.#from = 0;
    try {
      this.#saxes.write(chunk);
      this.#complete();
      if (this.#depth === 0 && this.#root) return;
      this.#idle = this.#depth === 1 && (this.#idle || this.#from > 0) && isBlank(chunk.slice(this.#from));
      if (!this.#idle) this.#countUpTo(chunk.length);
    } catch (cause) {
      // saxes cannot go on from the middle of a chunk, so whatever came through it ends the parser.
      this.#fail(cause instanceof XmlError ? cause : saxesError(cause));
    }
  }

  /** Takes in the last characters; later ones are ignored. */
  end(chunk?: string): void {
    if (chunk !== undefined) this.write(chunk);
    this.#stop();
  }

  #open(name: string, attributes: Record<string, string>): void {
    this.#complete();
    this.#depth += 1;
    if (!this.#root) {
      this.#root = new Element(name, attributes);
      this.#countUpTo(this.#offset());
      this.#startCounting();
      const root = this.#root;
      listened(() => this.emit('start', root));
      return;
    }
    const level = this.#depth - 1;
    if (level > this.#limits.maxDepth) this.#refuse(`more than ${this.#limits.maxDepth} levels`);
    if (Object.keys(attributes).length > this.#limits.maxAttributes) {
      this.#refuse(`an element with more than ${this.#limits.maxAttributes} attributes`);
    }
    if (this.#refusal && level > 1) return;
    const element = new Element(name);
    // Not copied, which would be a third of all the time. They have no prototype, so `getAttr` with a namespace fails.
    element.attrs = attributes;
    if (level > 1) this.#cursor?.cnode(element);
    this.#cursor = element;
    if (name.includes(':')) this.#bindPrefix(element, this.#root);
  }

  #close(): void {
    this.#complete();
    this.#depth -= 1;
    const root = this.#root;
    const stanza = this.#cursor;
    if (this.#depth === 0 && root) {
      this.#completed = { element: root, refusal: undefined };
    } else if (this.#depth === 1 && stanza) {
      this.#countUpTo(this.#offset());
      this.#startCounting();
      this.#completed = { element: stanza, refusal: this.#refusal };
      this.#cursor = this.#refusal = undefined;
    } else if (!this.#refusal) {
      this.#cursor = stanza?.parent ?? undefined;
    }
  }

  #text(text: string): void {
    this.#complete();
    if (this.#depth === 1) {
      if (!isBlank(text)) throw new XmlError('not-well-formed', 'text between stanzas');
      this.#startCounting();
    }
    if (!this.#refusal) this.#cursor?.t(text);
  }

  #cdata(text: string): void {
    this.#complete();
    if (this.#depth === 1) throw new XmlError('not-well-formed', 'CDATA between stanzas');
    if (!this.#refusal) this.#cursor?.t(text);
  }

  #complete(): void {
    if (!this.#completed) return;
    const { element, refusal } = this.#completed;
    this.#completed = undefined;
    if (element === this.#root) this.#stop();
    listened(() => {
      if (element === this.#root) this.emit('end', element);
      else if (refusal) this.emit('refused', element, refusal);
      else this.emit('element', element);
    });
  }

  #refuse(what: string): void {
    const error = tooMuch(what);
    if (this.listenerCount('refused') === 0) throw error;
    this.#refusal ??= error;
    const head = this.#cursor?.root();
    if (head) head.children = [];
    this.#cursor = head;
  }

  /** A stanza has no parent, so a prefix that only the stream header declares (`stream:error`) is declared again. */
  #bindPrefix(element: Element, root: Element): void {
    const prefix = element.name.slice(0, element.name.indexOf(':'));
    const namespace: string | undefined = root.attrs[`xmlns:${prefix}`];
    if (namespace !== undefined && element.findNS(prefix) === undefined) element.attrs[`xmlns:${prefix}`] = namespace;
  }

  /** How far saxes has come in the current chunk. */
  #offset(): number {
    return this.#saxes.position - this.#chunkStart;
  }

  #startCounting(): void {
    this.#bytes = 0;
    this.#from = this.#offset();
  }

  #countUpTo(offset: number): void {
    this.#bytes += Buffer.byteLength(this.#chunk.slice(this.#from, offset));
    const { maxStanzaBytes } = this.#limits;
    if (this.#bytes <= maxStanzaBytes) return;
    const what = `more than ${maxStanzaBytes} bytes`;
    if (!this.#root || this.#bytes > skippedTimes * maxStanzaBytes) throw tooMuch(what);
    this.#refuse(what);
  }

  #fail(error: XmlError): void {
    if (this.#inert) return;
    this.#stop();
    if (this.listenerCount('error') > 0) this.emit('error', error);
  }

  #stop(): void {
    this.#inert = true;
    this.#completed = this.#cursor = undefined;
    this.#chunk = '';
  }
}

const listened = (emit: () => void): void => {
  try {
    emit();
  } catch (cause) {
    throw new XmlError('internal-server-error', `a listener threw ${String(cause)}`, { cause });
  }
};

const saxesError = (cause: unknown): XmlError => {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (message === 'undefined entity.') return new XmlError('restricted-xml', 'an undeclared entity (RFC 6120 §11.1)');
  return new XmlError('not-well-formed', message, { cause });
};

const isBlank = (text: string) => text.trim() === '';

const tooMuch = (what: string) => new XmlError('policy-violation', `a stanza has ${what}`);

const restricted = (what: string): never => {
  throw new XmlError('restricted-xml', `${what} is not allowed in XMPP (RFC 6120 §11.1)`);
};
