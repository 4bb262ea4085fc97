import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A certificate and its private key, PEM. */
export type Certificate = { readonly cert: string; readonly key: string };

/**
 * A certificate authority that lives as long as this process: no key of it is ever on a disk or in a repository. It issues
 * certificates for the fakes, and client certificates for those who push with one. node:crypto reads X.509 but does not
 * write it; the few DER forms that a certificate needs (RFC 5280 §4.1, ITU-T X.690) are below.
 */
export const createFakeAuthority = () => {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // Its own name, too: OpenSSL takes issuers by their names.
  const name = `pushmesh fake authority ${randomBytes(4).toString('hex')}`;
  const issue = (subject: string, publicKey: KeyObject, extensions: readonly Buffer[]): string =>
    toPem(certificate({ issuer: name, subject, publicKey, extensions }, authority.privateKey));

  return {
    /** PEM, for the `ca` option of those who connect. */
    ca: issue(name, authority.publicKey, [basicConstraintsOfAnAuthority]),
    /** @param hosts the DNS names and IPv4 addresses that the certificate is for */
    issue: (subject: string, hosts: readonly string[] = ['localhost', '127.0.0.1']): Certificate => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      return { cert: issue(subject, publicKey, [subjectAltName(hosts)]), key };
    },
  };
};

export type FakeAuthority = ReturnType<typeof createFakeAuthority>;

type Fields = {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
};

const certificate = ({ issuer, subject, publicKey, extensions }: Fields, signingKey: KeyObject): Buffer => {
  const signed = sequence(
    tagged(0, integer(Buffer.of(2))), // version 3
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ecdsaWithSha256,
    distinguishedName(issuer),
    // "No well-defined expiration date", RFC 5280 §4.1.2.5
    sequence(der(0x17, Buffer.from('200101000000Z')), der(0x18, Buffer.from('99991231235959Z'))),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions)),
  );
  return sequence(signed, ecdsaWithSha256, bitString(sign('sha256', signed, signingKey)));
};

/** Tag, length, content; DER lengths over 127 bytes are written as their own length and themselves. */
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

// 1.2.840.10045.4.3.2, 2.5.4.3 (common name), 2.5.29.19 (basic constraints), 2.5.29.17 (subject alternative name)
const ecdsaWithSha256 = sequence(identifier('2a8648ce3d040302'));
const distinguishedName = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(identifier('550403'), der(0x0c, Buffer.from(commonName)))));
const basicConstraintsOfAnAuthority = sequence(
  identifier('551d13'),
  der(0x01, Buffer.of(0xff)), // critical
  octets(sequence(der(0x01, Buffer.of(0xff)))),
);
const subjectAltName = (hosts: readonly string[]): Buffer =>
  sequence(identifier('551d11'), octets(sequence(...hosts.map(generalName))));
const generalName = (host: string): Buffer =>
  isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host));

const toPem = (bytes: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${bytes
    .toString('base64')
    .replace(/.{64}/g, '$&\n')
    .trimEnd()}\n-----END CERTIFICATE-----\n`;
