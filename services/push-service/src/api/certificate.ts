import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { unreadable } from '@pushmesh/config';
import { changeOf } from '../providers/credentials/change.ts';
import type { Watched } from '../providers/credentials/change.ts';

/** The paths of PEM files. */
export type CertificateFiles = {
  readonly cert: string;
  readonly key: string;
  /** The authorities that sign callers' certificates; if set, callers need one. */
  readonly clientCa?: string;
};

/** The options of `tls.createSecureContext`. */
type Context = { readonly cert: string; readonly key: string; readonly ca?: string };

export type CertificateProblem = { readonly part: keyof CertificateFiles; readonly why: string };

export type ReadCertificate = Extract<Read, { ok: true }>;

type Read =
  | {
      readonly ok: true;
      readonly context: Context;
      /** Milliseconds since 1970. */
      readonly validFrom: number;
      readonly expiresAt: number;
    }
  | { readonly ok: false; readonly problems: readonly CertificateProblem[] };

/** Reads the files, and checks that they are what they should be and fit together. Problems reveal nothing of the key. */
export const readCertificate = (files: CertificateFiles): Read => {
  const problems: CertificateProblem[] = [];
  const part = <T>(name: keyof CertificateFiles, path: string, what: string, parse: (pem: string) => T) => {
    try {
      const pem = readFileSync(path, 'utf8');
      return { pem, value: parse(pem) };
    } catch (error) {
      const { syscall } = error as NodeJS.ErrnoException;
      problems.push({ part: name, why: syscall ? unreadable(path, error) : `${path} holds no ${what} in PEM` });
      return undefined;
    }
  };
  const cert = part('cert', files.cert, 'certificate', (pem) => new X509Certificate(pem));
  const key = part('key', files.key, 'unencrypted private key', (pem) => createPrivateKey(pem));
  const { clientCa } = files;
  const ca =
    clientCa === undefined ? undefined : part('clientCa', clientCa, 'certificate', (pem) => new X509Certificate(pem));

  if (cert && key && !cert.value.checkPrivateKey(key.value))
    problems.push({ part: 'key', why: `${files.key} is not the key of the certificate in ${files.cert}` });
  if (!cert || !key || problems.length > 0) return { ok: false, problems };
  const context = { cert: cert.pem, key: key.pem, ...(ca && { ca: ca.pem }) };
  const refused = refusalOf(context);
  if (refused !== undefined)
    return { ok: false, problems: [{ part: 'cert', why: `${files.cert} cannot be used for TLS (${refused})` }] };
  const { validFromDate, validToDate } = cert.value;
  return { ok: true, context, validFrom: validFromDate.getTime(), expiresAt: validToDate.getTime() };
};

/** The first certificate of a chain says nothing about the others, nor whether OpenSSL accepts a key of this size. */
const refusalOf = (context: Context): string | undefined => {
  try {
    createSecureContext(context);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
};

type Watch = {
  readonly everyMs: number;
  readonly onChange: (read: ReadCertificate) => void;
  /** Called once for each unusable state of the files; what was read before stays in use. */
  readonly onProblem: (problems: readonly CertificateProblem[]) => void;
};

/** Looks at the files again and again: an operator, or Kubernetes, puts a renewed certificate in place of the old one. */
export const watchCertificate = (files: CertificateFiles, { everyMs, onChange, onProblem }: Watch) => {
  const first = JSON.stringify(readCertificate(files));
  let known: Watched = { inUse: first, seen: first };
  const timer = setInterval(() => {
    const read = readCertificate(files);
    const state = JSON.stringify(read);
    const isNew = changeOf(known, state, Date.now()) === 'new';
    // An unusable state is remembered too, so that it is reported only once.
    known = { inUse: isNew ? state : known.inUse, seen: state };
    if (!isNew) return;
    if (read.ok) onChange(read);
    else onProblem(read.problems);
  }, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
};
