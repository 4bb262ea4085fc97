import type { Problem } from '@pushmesh/config';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { readCertificate } from './certificate.ts';
import type { CertificateFiles } from './certificate.ts';

// PUSH_HTTPS_* and PUSH_OPENAPI_* are variables of MongoosePush's container (`config/prod.exs`). MongoosePush always uses
// TLS, with the certificate of its image unless it is given another; here TLS starts with a configured certificate.

const token = '[A-Za-z0-9._~+/-]{16,}=*';

export const httpVariables = {
  HTTP_HOST: Type.String({
    default: '127.0.0.1',
    description: 'the address that the MongoosePush API listens on without TLS; keep it private, or set tokens',
    examples: ['0.0.0.0'],
  }),
  HTTP_PORT: Type.Integer({
    default: 8080,
    minimum: 0,
    maximum: 65535,
    description: 'the port of the MongoosePush API without TLS (0: any free one)',
    examples: [8080],
  }),
  HTTP_BEARER_TOKENS: Type.Optional(
    Type.String({
      secret: true,
      pattern: `^${token}([\\s,]+${token})*$`,
      description:
        'the tokens that callers may present (RFC 6750), at least 16 characters each, separated by white space or commas; if there is one, every path except /healthcheck requires it; to change a token, keep both for a while',
      examples: ['HTTP_BEARER_TOKENS_FILE=/run/secrets/push-api-tokens'],
    }),
  ),
  HTTP_MAX_CONNECTIONS: Type.Integer({
    default: 4_096,
    minimum: 1,
    description:
      'the maximum number of connections from callers; any beyond it are closed at once. A dispatcher opens up to CONCURRENCY for each lane',
    examples: [4096],
  }),
  PUSH_HTTPS_CERTFILE: Type.Optional(
    Type.String({
      path: true,
      description:
        "the path of the server's certificate chain in PEM; if set, the API speaks TLS only, HTTP/2 and HTTP/1.1 on one port; read again when it changes",
      examples: ['/run/secrets/tls/tls.crt'],
    }),
  ),
  PUSH_HTTPS_KEYFILE: Type.Optional(
    Type.String({
      path: true,
      description: 'the path of its private key in PEM',
      examples: ['/run/secrets/tls/tls.key'],
    }),
  ),
  PUSH_HTTPS_CLIENT_CAFILE: Type.Optional(
    Type.String({
      path: true,
      description:
        "the path of the authorities in PEM that callers' certificates must be signed by; if set, callers without such a certificate are refused, at /healthcheck too",
      examples: ['/run/secrets/tls/ca.crt'],
    }),
  ),
  PUSH_HTTPS_BIND_ADDR: Type.Optional(
    Type.String({ description: 'the address with TLS (127.0.0.1 when it is not set)', examples: ['0.0.0.0'] }),
  ),
  PUSH_HTTPS_PORT: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65535,
      description: 'the port with TLS (8443 when it is not set; 0: any free one)',
      examples: [8443],
    }),
  ),
  PUSH_OPENAPI_EXPOSE_SPEC: Type.Boolean({
    default: false,
    description: 'whether /swagger.json is served: the API as an OpenAPI document',
    examples: [true],
  }),
};

export type HttpSettings = {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls?: CertificateFiles;
  /** If the list is empty, callers need no token. */
  readonly bearerTokens: readonly string[];
  readonly maxConnections: number;
  readonly exposeSpec: boolean;
};

/** The variables that say where the API listens. */
export const addressVariables = ({ tls }: HttpSettings) =>
  tls ? (['PUSH_HTTPS_BIND_ADDR', 'PUSH_HTTPS_PORT'] as const) : (['HTTP_HOST', 'HTTP_PORT'] as const);

const schema = Type.Object(httpVariables);
type Values = Static<typeof schema>;

/** Where and how the API listens. Each problem names its variable. */
export const readHttpSettings = (values: Values, problems: Problem[]): HttpSettings => {
  const tls = readTls(values, problems);
  return {
    host: tls ? (values.PUSH_HTTPS_BIND_ADDR ?? '127.0.0.1') : values.HTTP_HOST,
    port: tls ? (values.PUSH_HTTPS_PORT ?? 8443) : values.HTTP_PORT,
    ...(tls && { tls }),
    bearerTokens: values.HTTP_BEARER_TOKENS?.split(/[\s,]+/) ?? [],
    maxConnections: values.HTTP_MAX_CONNECTIONS,
    exposeSpec: values.PUSH_OPENAPI_EXPOSE_SPEC,
  };
};

const readTls = (values: Values, problems: Problem[]): CertificateFiles | undefined => {
  const { PUSH_HTTPS_CERTFILE: cert, PUSH_HTTPS_KEYFILE: key, PUSH_HTTPS_CLIENT_CAFILE: clientCa } = values;
  if (cert === undefined || key === undefined) {
    if (cert !== undefined || key !== undefined) {
      const [missing, given] =
        cert === undefined ? [variableOf.cert, variableOf.key] : [variableOf.key, variableOf.cert];
      problems.push({ variable: missing, why: `is not set, though ${given} is: TLS needs both` });
      return undefined;
    }
    for (const variable of tlsVariables)
      if (values[variable] !== undefined)
        problems.push({ variable, why: 'needs TLS: set PUSH_HTTPS_CERTFILE and PUSH_HTTPS_KEYFILE, both' });
    return undefined;
  }
  const files = { cert, key, ...(clientCa !== undefined && { clientCa }) };
  const read = readCertificate(files);
  if (!read.ok) problems.push(...read.problems.map(({ part, why }) => ({ variable: variableOf[part], why })));
  return files;
};

const variableOf = {
  cert: 'PUSH_HTTPS_CERTFILE',
  key: 'PUSH_HTTPS_KEYFILE',
  clientCa: 'PUSH_HTTPS_CLIENT_CAFILE',
} as const;
const tlsVariables = [...Object.values(variableOf), 'PUSH_HTTPS_BIND_ADDR', 'PUSH_HTTPS_PORT'] as const;
