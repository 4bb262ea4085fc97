import { SaxesParser } from 'saxes';
import { describe, expect, it, vi } from 'vitest';
import { parseStanza, serialise, StreamParser, xml, XmlError, type Element, type ParserLimits } from './xml.ts';

const header =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>";
const limits: ParserLimits = { maxStanzaBytes: 1000, maxDepth: 4, maxAttributes: 3 };

/** What a stream of these chunks results in: stanzas and refused heads as text, error conditions, and the end. */
const read = (chunks: readonly string[], { skip = false } = {}) => {
  const parser = new StreamParser(limits);
  const seen: string[] = [];
  const elements: Element[] = [];
  parser.on('element', (element) => {
    elements.push(element);
    seen.push(serialise(element));
  });
  if (skip) parser.on('refused', (head, error) => seen.push(`refused ${serialise(head)} ${error.condition}`));
  parser.on('error', (error) => seen.push(`error ${error.condition}`));
  parser.on('end', () => seen.push('end'));
  for (const chunk of chunks) parser.write(chunk);
  return { seen, elements };
};

const stanzasOf = (seen: string[]) => seen.filter((entry) => !entry.startsWith('error'));

const oneByOne = (text: string) => [...text];

describe('the stream parser', () => {
  it('emits each stanza, wherever the chunks are split', () => {
    const text = `${header}<iq id="a&amp;b"><x xmlns="y">Grüße 👍 &lt;<![CDATA[<&>]]></x></iq><message/></stream:stream>`;
    const expected = ['<iq id="a&amp;b"><x xmlns="y">Grüße 👍 &lt;&lt;&amp;&gt;</x></iq>', '<message/>', 'end'];
    expect(read([text]).seen).toEqual(expected);
    expect(read(oneByOne(text)).seen).toEqual(expected);
    expect(read(text.split('')).seen).toEqual(expected);
  });

  it('gives a stanza no parent, and its children their namespaces', () => {
    const { elements } = read([header, "<iq><a xmlns='n'><b/></a></iq>", '<stream:error/>']);
    expect(elements.map(({ parent }) => parent)).toEqual([null, null]);
    expect(elements[0]?.getNS()).toBeUndefined();
    expect(elements[0]?.getChild('a', 'n')?.getChild('b', 'n')).toBeDefined();
    expect(elements[1]?.is('error', 'http://etherx.jabber.org/streams')).toBe(true);
  });

  it('retains neither keep-alives nor the stanzas that it has emitted', () => {
    const parser = new StreamParser(limits);
    let root: Element | undefined;
    parser.on('start', (element) => {
      root = element;
    });
    let stanzas = 0;
    parser.on('element', () => (stanzas += 1));
    parser.on('error', (error) => expect.unreachable(error.message));
    const write = vi.spyOn(SaxesParser.prototype, 'write');
    parser.write(header);
    // Many times the size limit in total, before, between and after the stanzas.
    for (let i = 0; i < 5000; i += 1) parser.write(i % 100 === 0 ? ' <iq/>\n' : ' ');
    parser.write(`${' '.repeat(5000)}<iq/>`);
    expect(stanzas).toBe(51);
    // saxes would buffer them until the next tag.
    expect(write).toHaveBeenCalledTimes(52);
    write.mockRestore();
    expect(root?.children).toEqual([]);
  });

  it.each([
    ['a mismatched tag', '<iq></message>', 'not-well-formed'],
    ['a mismatched inner tag', '<iq><a></b></iq>', 'not-well-formed'],
    ['a stanza closed by the end of the stream', '<iq></stream:stream>', 'not-well-formed'],
    ['the wrong end of the stream', '</stream>', 'not-well-formed'],
    ['a repeated attribute', "<iq id='1' id='2'/>", 'not-well-formed'],
    ['an attribute without quotes', '<iq id=1/>', 'not-well-formed'],
    ['a character that XML does not allow', '<iq>\u0001</iq>', 'not-well-formed'],
    ['a reference to such a character', '<iq>&#1;</iq>', 'not-well-formed'],
    ['text between stanzas', '<iq/>text<iq/>', 'not-well-formed'],
    ['CDATA between stanzas', '<![CDATA[x]]>', 'not-well-formed'],
    ['a second XML declaration', "<?xml version='1.0'?>", 'not-well-formed'],
    ['an undeclared entity', '<iq>&bogus;</iq>', 'restricted-xml'],
    ['an entity named like a property of objects', '<iq>&constructor;</iq>', 'restricted-xml'],
    ['a comment', '<iq><!-- x --></iq>', 'restricted-xml'],
    ['a comment between stanzas', '<!-- x -->', 'restricted-xml'],
    ['a processing instruction', '<iq><?php x ?></iq>', 'restricted-xml'],
    ['too many levels', '<iq><a><b><c><d/></c></b></a></iq>', 'policy-violation'],
    ['too many attributes', "<iq a='' b='' c='' d=''/>", 'policy-violation'],
    ['a large stanza', `<iq>${'<a/>'.repeat(300)}</iq>`, 'policy-violation'],
    ['a large text', `<iq>${'a'.repeat(1000)}</iq>`, 'policy-violation'],
    ['a text that is too large in bytes, not in characters', `<iq>${'ü'.repeat(600)}</iq>`, 'policy-violation'],
  ])('refuses %s, once, and accepts nothing afterwards', (_what, text, condition) => {
    for (const chunks of [[header + text], [header, ...oneByOne(text)]]) {
      const { seen } = read([...chunks, '<message/>', '</stream:stream>', '<<<']);
      expect(seen.filter((entry) => entry.startsWith('error'))).toEqual([`error ${condition}`]);
      // A stanza before the fault is complete; the faulty one and what follows are not emitted.
      expect(stanzasOf(seen)).toEqual(text.startsWith('<iq/>') ? ['<iq/>'] : []);
    }
  });

  it.each([
    ['a document type declaration', "<!DOCTYPE x [<!ENTITY a 'b'>]><stream>", 'restricted-xml'],
    ['a character that only XML 1.1 allows', "<?xml version='1.1'?><stream><iq>&#1;</iq>", 'not-well-formed'],
    ['text before the stream', 'HTTP/1.1 400 Bad Request', 'not-well-formed'],
    ['a large stream header', `<stream a='${'a'.repeat(1000)}'>`, 'policy-violation'],
  ])('refuses %s', (_what, text, condition) => {
    expect(read([text]).seen).toEqual([`error ${condition}`]);
    expect(read(oneByOne(text)).seen).toEqual([`error ${condition}`]);
  });

  it.each([
    ['text', '<iq>'],
    ['an attribute', "<iq id='"],
    ['a name', '<iq'],
    ['a closing tag', '<iq></iq'],
    ['an entity', '<iq>&'],
    ['a comment', '<!--'],
    ['CDATA', '<iq><![CDATA['],
    ['an entity between stanzas', '&'],
    ['text between stanzas', 'x'],
    ['white space in a tag', '<iq '],
  ])('refuses unending %s before it holds much more than the limit', (_what, start) => {
    const parser = new StreamParser(limits);
    const errors: XmlError[] = [];
    parser.on('error', (error) => errors.push(error));
    parser.write(header);
    parser.write(start);
    const filler = (start.endsWith(' ') ? ' ' : 'a').repeat(100);
    let written = 0;
    while (errors.length === 0 && written < 10_000) {
      parser.write(filler);
      written += filler.length;
    }
    expect(errors.map(({ condition }) => condition)).toEqual(['policy-violation']);
    expect(written).toBeLessThanOrEqual(1100);
  });

  it('skips a stanza over a limit if there is a listener to report it to', () => {
    const deep = "<iq id='1'><a>x<b><c><d>text<e f=''/></d></c></b></a><g/></iq>";
    const wide = "<iq id='2'><a a='' b='' c='' d=''>x</a></iq>";
    const large = [`<iq id='3'><a>${'x'.repeat(800)}`, 'x'.repeat(800), "</a><b/></iq><iq id='4'/>"];
    const largeTag = ["<iq id='", 'x'.repeat(2_000), "'><a/></iq>"];
    expect(read([header, deep, wide, ...large, ...largeTag, '<message/>'], { skip: true }).seen).toEqual([
      'refused <iq id="1"/> policy-violation',
      'refused <iq id="2"/> policy-violation',
      'refused <iq id="3"/> policy-violation',
      '<iq id="4"/>',
      `refused <iq id="${'x'.repeat(2_000)}"/> policy-violation`,
      '<message/>',
    ]);
  });

  it('does not skip a stanza that seems never to end', () => {
    for (const chunks of [
      [`<iq>${'<a>'.repeat(4_000)}`, '<a>'.repeat(4_000)],
      ["<iq id='", 'x'.repeat(20_000)],
    ])
      expect(read([header, ...chunks], { skip: true }).seen).toEqual(['error policy-violation']);
  });

  it('reports a listener that throws instead of throwing itself', () => {
    const parser = new StreamParser(limits);
    const conditions: string[] = [];
    parser.on('element', () => {
      throw new Error('a bug');
    });
    parser.on('error', ({ condition }) => conditions.push(condition));
    parser.write(`${header}<iq/><iq/>`);
    expect(conditions).toEqual(['internal-server-error']);
  });

  it('does not throw without listeners', () => {
    const parser = new StreamParser(limits);
    expect(() => {
      parser.write('<a></b>');
      parser.end('<c');
    }).not.toThrow();
  });
});

describe('parseStanza', () => {
  it('reads one element', () => {
    const element = parseStanza(" <iq xmlns='jabber:client' id='1'><x/></iq>\n");
    expect(element).not.toBeInstanceOf(XmlError);
    expect(String(element)).toBe('<iq xmlns="jabber:client" id="1"><x/></iq>');
  });

  it.each(['', 'text', '<a>', '<a/><b/>', '<a/>text', '</stream><stream>', '<a/></stream>', '<a', '<a/><!-- x -->'])(
    'returns an error for %j',
    (text) => {
      expect(parseStanza(text)).toBeInstanceOf(XmlError);
    },
  );

  it('enforces the limits', () => {
    expect(parseStanza('<a>1234567</a>', { maxStanzaBytes: 10, maxDepth: 9 })).toMatchObject({
      condition: 'policy-violation',
    });
    expect(parseStanza('<a><b><c/></b></a>', { maxStanzaBytes: 99, maxDepth: 2 })).toMatchObject({
      condition: 'policy-violation',
    });
  });
});

describe('building and writing', () => {
  it('leaves out absent attributes and children', () => {
    const attributes = { type: 'wait', by: undefined, code: 500 };
    expect(serialise(xml('error', attributes, false, undefined, [xml('a'), ['b<']]))).toBe(
      '<error type="wait" code="500"><a/>b&lt;</error>',
    );
    expect(Object.keys(attributes)).toEqual(['type', 'by', 'code']);
  });

  it('replaces characters that would make a server close the stream', () => {
    expect(serialise(xml('body', {}, 'a\u0000b\uFFFFc\uD800d\t\u{1F44D}'))).toBe(
      '<body>a\uFFFDb\uFFFDc\uFFFDd\t\u{1F44D}</body>',
    );
  });
});
