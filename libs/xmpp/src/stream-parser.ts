import { EventEmitter } from 'node:events';
import { Element } from 'ltx';
import { SaxesParser } from 'saxes';

/** How much one peer can make us hold in memory. */
export type ParserLimits = {
  /** Bytes (UTF-8) of one stanza, including its tags; the stream header counts as a stanza. */
  readonly maxStanzaBytes: number;
  /** Levels of elements in one stanza; the stanza itself is level 1. */
  readonly maxDepth: number;
  /** Attributes of one element, including namespace declarations. */
  readonly maxAttributes?: number;
};

/** Higher than the servers' own limits: Prosody and ejabberd accept 512 KiB from another server. */
export const defaultLimits: Required<ParserLimits> = { maxStanzaBytes: 1024 * 1024, maxDepth: 64, maxAttributes: 64 };

/** How many times `maxStanzaBytes` a skipped stanza may have: saxes buffers a long text as a whole. */
const skippedSizeFactor = 16;

/** The condition of the stream error to send (RFC 6120 §4.9.3). */
export type XmlCondition = 'not-well-formed' | 'restricted-xml' | 'policy-violation' | 'internal-server-error';

/** Why XML was refused: `condition` for the peer, `message` for the log. */
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
  /** One stanza (or nonza). It has no parent; a name without a prefix means the stream's default namespace. */
  element: [stanza: Element];
  /** The peer closed the stream. */
  end: [root: Element];
  /** The first and only error; the parser ignores everything after it. */
  error: [error: XmlError];
  /** The outermost element, emptied, of a stanza that is too large or too deep or has too many attributes. */
  refused: [head: Element, error: XmlError];
};

/**
 * A strict parser for one XML stream (RFC 6120 §11), usable as the `Parser` of `@xmpp/connection`. It refuses what XMPP
 * restricts (DTD, processing instructions, comments, undeclared entities), everything that is not well-formed, and
 * everything over a limit. It never throws.
 *
 * If there is a listener for `refused`, a stanza over a limit is skipped and the stream goes on: servers pass such
 * stanzas on from any user, and no user must be able to cut off everybody's stream. Without a listener it is an
 * `error`; so is a stanza that seems never to end.
 */
export class StreamParser extends EventEmitter<StreamParserEvents> {
  readonly #limits: Required<ParserLimits>;
  /** `forceXMLVersion`, because an XML 1.1 declaration would allow control characters; no `position`, for speed. */
  readonly #saxes = new SaxesParser({
    xmlns: false,
    position: false,
    forceXMLVersion: true,
    defaultXMLVersion: '1.0',
  });
  #root: Element | undefined;
  #cursor: Element | undefined;
  /** Number of open elements, including the root: 1 between stanzas. */
  #depth = 0;
  #refusal: XmlError | undefined;
  /**
   * The stanza, or the root, that a closing tag completed. It is not emitted until the next event, because saxes
   * reports a closing tag before it notices a mismatch. Stored as a value: a closure here kept every stanza alive
   * through several garbage collections, which made parsing three times as expensive.
   */
  #completed: { readonly element: Element; readonly refusal: XmlError | undefined } | undefined;
  #inert = false;

  #chunk = '';
  /** Characters of the stream before the current chunk. */
  #chunkStart = 0;
  /** Offset in the current chunk from which bytes belong to the open stanza. */
  #from = 0;
  /** Bytes of the open stanza counted so far. */
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
    // No `error` handler, so saxes throws. An eighth handler would push V8 into a slow representation of the saxes
    // object, which makes parsing four times as expensive.
  }

  /** Parses the next characters of the stream. */
  write(chunk: string): void {
    if (this.#inert || (this.#idle && isBlank(chunk))) return;
    // White-space keep-alives never reach saxes, which would buffer them until the next tag.
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
      // saxes cannot resume in the middle of a chunk, so whatever was thrown through it ends the parser.
      this.#fail(cause instanceof XmlError ? cause : saxesError(cause));
    }
  }

  /** Parses the last characters; later ones are ignored. */
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
      emitSafely(() => this.emit('start', root));
      return;
    }
    const level = this.#depth - 1;
    if (level > this.#limits.maxDepth) this.#refuse(`more than ${this.#limits.maxDepth} levels`);
    if (Object.keys(attributes).length > this.#limits.maxAttributes) {
      this.#refuse(`an element with more than ${this.#limits.maxAttributes} attributes`);
    }
    if (this.#refusal && level > 1) return;
    const element = new Element(name);
    // Not copied, which took a third of the parsing time. Without a prototype, `getAttr` with a namespace fails.
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
    emitSafely(() => {
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

  /**
   * A stanza has no parent, so a prefix declared only in the stream header (`stream:error`) is declared again on it.
   */
  #bindPrefix(element: Element, root: Element): void {
    const prefix = element.name.slice(0, element.name.indexOf(':'));
    const namespace: string | undefined = root.attrs[`xmlns:${prefix}`];
    if (namespace !== undefined && element.findNS(prefix) === undefined) element.attrs[`xmlns:${prefix}`] = namespace;
  }

  /** The offset of saxes in the current chunk. */
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
    if (!this.#root || this.#bytes > skippedSizeFactor * maxStanzaBytes) throw tooMuch(what);
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

/** A listener that throws ends the parser with an `error`. */
const emitSafely = (emit: () => void): void => {
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
