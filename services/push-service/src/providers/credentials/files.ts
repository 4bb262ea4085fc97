import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { unreadable } from '@pushmesh/config';
import type { Problem } from '@pushmesh/config';
import { readApnsCredentials } from '../apns/credentials.ts';
import type { ApnsAuth, ApnsCredentials, ApnsCredentialsProblem } from '../apns/credentials.ts';
import { parseServiceAccount } from '../fcm/service-account.ts';
import type { ServiceAccount } from '../fcm/service-account.ts';

/** A file, and what named it: a variable, or a path inside of the file that a variable names. */
export type NamedFile = { readonly path: string; readonly namedBy: string };

export type ApnsFiles =
  | { readonly type: 'token'; readonly p8: NamedFile; readonly keyId: string; readonly teamId: string }
  | {
      readonly type: 'certificate';
      readonly cert: NamedFile;
      readonly key: NamedFile;
      /** Where the topic would be named that this certificate does not have. */
      readonly topicNamedBy: string;
    };

/** Credentials as their files have them now. */
export type Loaded<C> = {
  /** Of everything that was read: another one is a change. */
  readonly digest: string;
  readonly read:
    | {
        readonly ok: true;
        readonly credentials: C;
        /** The latest change of a file, milliseconds since 1970. */
        readonly changedAt: number;
        /** The end of a certificate, milliseconds since 1970. */
        readonly expiresAt?: number;
      }
    | { readonly ok: false; readonly problems: readonly Problem[] };
};

/** Reads the key file of a service account. */
export const loadServiceAccount = ({ file }: { readonly file: NamedFile }): Loaded<ServiceAccount> => {
  const text = readText(file);
  const digest = digestOf([text.digested]);
  if (!text.ok) return { digest, read: { ok: false, problems: [text.problem] } };
  const parsed = parseServiceAccount(text.text);
  if (parsed.ok) return { digest, read: { ok: true, credentials: parsed.account, changedAt: text.changedAt } };
  const problem = { variable: file.namedBy, why: `${file.path} is no service account: ${parsed.problem}` };
  return { digest, read: { ok: false, problems: [problem] } };
};

type ApnsNames = { readonly files: ApnsFiles; readonly defaultTopic: string | undefined };

/** Reads a `.p8` key, or a certificate and its key; there has to be a topic for it. */
export const loadApnsCredentials = ({ files, defaultTopic }: ApnsNames): Loaded<ApnsCredentials> => {
  const named = files.type === 'token' ? [files.p8] : [files.cert, files.key];
  const words = files.type === 'token' ? [files.keyId, files.teamId] : [];
  const texts = named.map(readText);
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
  if (files.type === 'certificate' && defaultTopicOf(read.credentials, defaultTopic) === undefined)
    // With a topic the same files are other credentials.
    return { digest: `${digest} without a topic`, read: { ok: false, problems: [problemOfTopic(files)] } };
  const changedAt = Math.max(...texts.map((each) => (each.ok ? each.changedAt : 0)));
  return { digest, read: { ok: true, credentials: read.credentials, changedAt, ...expiry(read.credentials) } };
};

/** The topic of requests that name none: the configured one, else that of the certificate. */
export const defaultTopicOf = (credentials: ApnsCredentials, defaultTopic: string | undefined): string | undefined =>
  defaultTopic ?? (credentials.type === 'certificate' ? credentials.topic : undefined);

const problemOfTopic = ({ cert, topicNamedBy }: Extract<ApnsFiles, { type: 'certificate' }>): Problem => ({
  variable: topicNamedBy,
  why: `is not set, and the certificate of ${cert.namedBy} names no topic: set it to the bundle id of the app`,
});

const whys: Readonly<Record<ApnsCredentialsProblem, string>> = {
  key_unreadable: 'holds no private key that can be read (PEM, not encrypted)',
  key_not_p256: 'holds a key that is not on P-256; APNs takes ES256 only',
  certificate_unreadable:
    'holds no certificate that TLS can use (PEM, every one of a chain complete, RSA of at least 2048 bits)',
  key_of_another_certificate: 'is the key of another certificate',
};

const fileAtFault = (files: ApnsFiles, why: ApnsCredentialsProblem): string => {
  if (files.type === 'token') return files.p8.namedBy;
  return why === 'certificate_unreadable' ? files.cert.namedBy : files.key.namedBy;
};

const expiry = (credentials: ApnsCredentials) =>
  credentials.type === 'certificate' ? { expiresAt: Date.parse(new X509Certificate(credentials.cert).validTo) } : {};

const digestOf = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

type Text = { readonly digested: string } & (
  | { readonly ok: true; readonly text: string; readonly changedAt: number }
  | { readonly ok: false; readonly problem: Problem }
);

/** The text of a file, and what counts of it when changes are looked for. */
export const readText = ({ path, namedBy }: NamedFile): Text => {
  try {
    const text = readFileSync(path, 'utf8');
    return { ok: true, text, digested: text, changedAt: statSync(path).mtimeMs };
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    return { ok: false, digested: code, problem: { variable: namedBy, why: unreadable(path, error) } };
  }
};
