import { generateKeyPairSync, randomBytes, sign as signatureOf } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A certificate and its private key, PEM. */
export type Certificate = { readonly cert: string; readonly key: string };

/**
 * A certificate authority for the fakes and for senders that push with a client certificate. Its key exists in memory only
 * and is new each time. node:crypto reads X.509 but does not write it; the few DER forms that a certificate needs
 * (RFC 5280 §4.1, ITU-T X.690) are below.
 */
export const createFakeAuthority = () => {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // OpenSSL finds an issuer by its name, so each authority has a name of its own.
  const name = `pushmesh fake authority ${randomBytes(4).toString('hex')}`;
  const issuer = distinguishedName(commonName(name));
  const sign = (subject: Buffer, publicKey: KeyObject, extensions: readonly Buffer[]): string =>
    toPem(certificate({ issuer, subject, publicKey, extensions }, authority.privateKey));
  const issue = (subject: Buffer, extensions: readonly Buffer[]): Certificate => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { cert: sign(subject, publicKey, extensions), key };
  };

  return {
    /** The certificate of the authority, PEM, for the `ca` option of clients. */
    ca: sign(issuer, authority.publicKey, [basicConstraintsOfAnAuthority]),
    /** @param hosts the DNS names and IPv4 addresses that the certificate is valid for */
    issue: (subject: string, hosts: readonly string[] = ['localhost', '127.0.0.1']): Certificate =>
      issue(distinguishedName(commonName(subject)), [subjectAltName(hosts)]),
    /**
     * A client certificate for APNs, as Apple issues it.
     *
     * @param topics the topics of Apple's extension; if empty, the extension is absent, as in old certificates
     */
    issueForApns: (bundleId: string, topics: readonly string[] = [bundleId, `${bundleId}.voip`]): Certificate =>
      issue(
        distinguishedName(userId(bundleId), commonName(`Apple Push Services: ${bundleId}`)),
        topics.length === 0 ? [] : [apnsTopics(topics)],
      ),
  };
};

export type FakeAuthority = ReturnType<typeof createFakeAuthority>;

type Fields = {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
};

const certificate = ({ issuer, subject, publicKey, extensions }: Fields, signingKey: KeyObject): Buffer => {
  const signed = sequence(
    tagged(0, integer(Buffer.of(2))), // version 3
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ecdsaWithSha256,
    issuer,
    // Valid from 2020, with "no well-defined expiration date" (RFC 5280 §4.1.2.5).
    sequence(der(0x17, Buffer.from('200101000000Z')), der(0x18, Buffer.from('99991231235959Z'))),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions)),
  );
  return sequence(signed, ecdsaWithSha256, bitString(signatureOf('sha256', signed, signingKey)));
};

/** Tag, length, content. A length over 127 is preceded by the number of its bytes (X.690 §8.1.3). */
const der = (tag: number, content: Buffer): Buffer => {
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.of(tag, length), content]);
  const bytes = length < 256 ? [length] : [length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length, ...bytes), content]);
};

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, Buffer.concat(parts));
const integer = (bytes: Buffer): Buffer => der(0x02, bytes);
const bitString = (bytes: Buffer): Buffer => der(0x03, Buffer.concat([Buffer.of(0), bytes]));
const octets = (bytes: Buffer): Buffer => der(0x04, bytes);
const tagged = (number: number, content: Buffer): Buffer => der(0xa0 | number, content);
const identifier = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));

const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));

// 1.2.840.10045.4.3.2, 2.5.4.3, 0.9.2342.19200300.100.1.1, 2.5.29.19, 2.5.29.17 (subject alternative name),
// 1.2.840.113635.100.6.3.6 (Apple's topics)
const ecdsaWithSha256 = sequence(identifier('2a8648ce3d040302'));
const distinguishedName = (...parts: readonly Buffer[]): Buffer => sequence(...parts.map((part) => der(0x31, part)));
const commonName = (text: string): Buffer => sequence(identifier('550403'), utf8(text));
const userId = (text: string): Buffer => sequence(identifier('0992268993f22c640101'), utf8(text));
const basicConstraintsOfAnAuthority = sequence(
  identifier('551d13'),
  der(0x01, Buffer.of(0xff)), // critical
  octets(sequence(der(0x01, Buffer.of(0xff)))),
);
const subjectAltName = (hosts: readonly string[]): Buffer =>
  sequence(identifier('551d11'), octets(sequence(...hosts.map(generalName))));
const apnsTopics = (topics: readonly string[]): Buffer =>
  sequence(
    identifier('2a864886f76364060306'),
    octets(sequence(...topics.flatMap((topic) => [utf8(topic), sequence(utf8(kindOf(topic)))]))),
  );
const kindOf = (topic: string): string => (topic.endsWith('.voip') ? 'voip' : 'app');
const generalName = (host: string): Buffer =>
  isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host));

const toPem = (bytes: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${bytes
    .toString('base64')
    .replace(/.{64}/g, '$&\n')
    .trimEnd()}\n-----END CERTIFICATE-----\n`;
