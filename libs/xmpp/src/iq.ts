// RFC 6120 §8.2.3 (IQ semantics) and §8.3 (stanza errors)
import { xml } from './xml.ts';
import type { Element } from './xml.ts';
import { ns } from './namespaces.ts';

/** RFC 6120 §8.3.2: what the sender may do about the error. */
export type ErrorType = 'auth' | 'cancel' | 'modify' | 'wait';

/** The conditions of RFC 6120 §8.3.3 that are used here. */
export type Condition =
  | 'bad-request'
  | 'conflict'
  | 'feature-not-implemented'
  | 'forbidden'
  | 'internal-server-error'
  | 'item-not-found'
  | 'not-acceptable'
  | 'not-allowed'
  | 'resource-constraint'
  | 'service-unavailable';

/** A stanza error as a value. `pubsub` is the condition of XEP-0060 §12.1, `feature` the attribute of `unsupported`. */
export type StanzaError = {
  readonly type: ErrorType;
  readonly condition: Condition;
  readonly pubsub?: string;
  readonly feature?: string;
  readonly text?: string;
  /** Sent next to the error, such as the affiliations that remain unchanged (XEP-0060 §8.9.2.4). */
  readonly payload?: Element;
};

/** The only part of a request that its answer needs. */
export type Head = Pick<Element, 'attrs'>;

/** The IQ result for a request, with or without a payload. */
export const resultOf = (iq: Head, payload?: Element): Element => answerTo(iq, 'result', payload);

/** The IQ error for a request. It does not repeat the request, which may contain a token or the text of a message. */
export const errorOf = (iq: Head, error: StanzaError): Element =>
  answerTo(
    iq,
    'error',
    error.payload,
    xml(
      'error',
      { type: error.type },
      xml(error.condition, { xmlns: ns.stanzas }),
      ...(error.text === undefined ? [] : [xml('text', { xmlns: ns.stanzas, 'xml:lang': 'en' }, error.text)]),
      ...(error.pubsub === undefined
        ? []
        : [
            xml(error.pubsub, {
              xmlns: ns.pubsubErrors,
              ...(error.feature !== undefined && { feature: error.feature }),
            }),
          ]),
    ),
  );

const answerTo = (iq: Head, type: 'result' | 'error', ...children: readonly (Element | undefined)[]): Element =>
  xml('iq', { type, id: iq.attrs['id'], from: iq.attrs['to'], to: iq.attrs['from'] }, children);

/** The child elements, without text. */
export const childElements = (element: Element): Element[] =>
  element.children.filter((child): child is Element => typeof child !== 'string');
