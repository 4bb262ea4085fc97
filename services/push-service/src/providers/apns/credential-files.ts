import { X509Certificate } from 'node:crypto';
import type { Problem } from '@pushmesh/config';
import { digestOf } from '../credentials/loaded.ts';
import type { Loaded } from '../credentials/loaded.ts';
import { readNamedFile } from '../credentials/named-file.ts';
import type { NamedFile } from '../credentials/named-file.ts';
import { readApnsCredentials } from './credentials.ts';
import type { ApnsAuth, ApnsCredentials, ApnsCredentialsProblem } from './credentials.ts';

export type ApnsFiles =
  | { readonly type: 'token'; readonly p8: NamedFile; readonly keyId: string; readonly teamId: string }
  | {
      readonly type: 'certificate';
      readonly cert: NamedFile;
      readonly key: NamedFile;
      /** Where the topic would be configured if the certificate names none. */
      readonly topicNamedBy: string;
    };

/** Reads a `.p8` key, or a certificate and its key. A certificate must name a topic, unless one is configured. */
export const loadApnsCredentials = (files: ApnsFiles, defaultTopic: string | undefined): Loaded<ApnsCredentials> => {
  const named = files.type === 'token' ? [files.p8] : [files.cert, files.key];
  const words = files.type === 'token' ? [files.keyId, files.teamId] : [];
  const texts = named.map(readNamedFile);
  const digest = digestOf([...texts.map(({ digested }) => digested), ...words]);
  const problems = texts.flatMap((each) => (each.ok ? [] : [each.problem]));
  if (problems.length > 0) return { digest, read: { ok: false, problems } };
  const [first = '', second = ''] = texts.map((each) => (each.ok ? each.text : ''));
  const auth: ApnsAuth =
    files.type === 'token'
      ? { type: 'token', p8: first, keyId: files.keyId, teamId: files.teamId }
      : { type: 'certificate', cert: first, key: second };
  const read = readApnsCredentials(auth);
  if (!read.ok)
    return { digest, read: { ok: false, problems: [{ variable: fileAtFault(files, read.why), why: whys[read.why] }] } };
  const { credentials } = read;
  if (
    files.type === 'certificate' &&
    credentials.type === 'certificate' &&
    (defaultTopic ?? credentials.topic) === undefined
  )
    // The same files with a topic are different credentials.
    return { digest: `${digest} without a topic`, read: { ok: false, problems: [problemOfTopic(files)] } };
  const changedAt = Math.max(...texts.map((each) => (each.ok ? each.changedAt : 0)));
  return { digest, read: { ok: true, credentials, changedAt, ...expiry(credentials) } };
};

const problemOfTopic = ({ cert, topicNamedBy }: Extract<ApnsFiles, { type: 'certificate' }>): Problem => ({
  variable: topicNamedBy,
  why: `is not set, and the certificate of ${cert.namedBy} names no topic: set it to the bundle id of the app`,
});

const whys: Readonly<Record<ApnsCredentialsProblem, string>> = {
  key_unreadable: 'holds no private key that can be read (PEM, not encrypted)',
  key_not_p256: 'holds a key that is not on P-256; APNs accepts ES256 only',
  certificate_unreadable:
    'holds no certificate that TLS can use (PEM, each certificate of a chain complete, RSA of at least 2048 bits)',
  key_of_another_certificate: 'is the key of another certificate',
};

const fileAtFault = (files: ApnsFiles, why: ApnsCredentialsProblem): string => {
  if (files.type === 'token') return files.p8.namedBy;
  return why === 'certificate_unreadable' ? files.cert.namedBy : files.key.namedBy;
};

const expiry = (credentials: ApnsCredentials) =>
  credentials.type === 'certificate' ? { expiresAt: Date.parse(new X509Certificate(credentials.cert).validTo) } : {};
