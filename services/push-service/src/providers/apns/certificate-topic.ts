import type { X509Certificate } from 'node:crypto';

/**
 * The topic (bundle id) if none is configured beside a certificate, as in MongoosePush: the first topic that Apple wrote into
 * the certificate, else the user id of its subject. `undefined` if there is neither.
 */
export const topicOf = ({ raw, subject }: Pick<X509Certificate, 'raw' | 'subject'>): string | undefined =>
  [firstTopic(raw), /^UID=(.*)$/m.exec(subject)?.[1]].find((each) => each !== undefined && isTopic.test(each));

const isTopic = /^[\w.-]{1,250}$/;

/** OID 1.2.840.113635.100.6.3.6, whose value is `SEQUENCE { topic UTF8String, SEQUENCE { kind UTF8String }, topic, … }`. */
const topicsId = Buffer.from('2a864886f76364060306', 'hex');

// node:crypto reads only a few extensions; RFC 5280 §4.1 describes where the others are.
const firstTopic = (raw: Buffer): string | undefined => {
  const [certificate] = valuesIn(raw);
  const [signed] = inside(certificate);
  const [extensions] = inside(inside(signed).find(({ tag }) => tag === tags.extensions));
  const extension = inside(extensions)
    .map(inside)
    .find(([id]) => id?.tag === tags.objectId && id.content.equals(topicsId));
  const [topics] = inside(extension?.find(({ tag }) => tag === tags.octets));
  const [first] = inside(topics);
  return first?.tag === tags.utf8 ? first.content.toString() : undefined;
};

const tags = { octets: 0x04, objectId: 0x06, utf8: 0x0c, extensions: 0xa3 };

/** A value in DER (ITU-T X.690 §10.1). */
type Value = { readonly tag: number; readonly content: Buffer };

const inside = (value: Value | undefined): readonly Value[] => (value ? valuesIn(value.content) : []);

/** The values in these bytes, one after the other; none if the bytes are anything else. */
const valuesIn = (bytes: Buffer): readonly Value[] => {
  const values: Value[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const [tag = 0, length = 0] = rest;
    // From 0x81 on, it says how many bytes the length has; 0x80, the indefinite form, is not DER.
    const more = length > 0x80 ? length - 0x80 : 0;
    const start = 2 + more;
    if (length === 0x80 || more > 3 || rest.length < start) return [];
    const end = start + (more > 0 ? rest.readUIntBE(2, more) : length);
    if (rest.length < end) return [];
    values.push({ tag, content: rest.subarray(start, end) });
    rest = rest.subarray(end);
  }
  return values;
};
