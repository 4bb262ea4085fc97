import type { Http2PoolOptions } from '../http2/pool.ts';
import type { ApnsCredentials } from './credentials.ts';

/** PEM of the authorities that may vouch for APNs, Node's own if absent; and whether its certificate is verified. */
type Trust = { readonly ca?: string; readonly verify: boolean };

/** The TLS options of a connection to APNs. */
export const apnsTls = (credentials: ApnsCredentials, { ca, verify }: Trust): NonNullable<Http2PoolOptions['tls']> => ({
  ...(ca !== undefined && { ca }),
  ...(credentials.type === 'certificate' && { cert: credentials.cert, key: credentials.key }),
  rejectUnauthorized: verify,
});
