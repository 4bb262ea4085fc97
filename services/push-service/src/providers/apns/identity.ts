import { X509Certificate } from 'node:crypto';
import type { PoolIdentity } from '../module.ts';
import type { ApnsCredentials } from './credentials.ts';
import type { ApnsSettings } from './settings.ts';

/** With the same topic, be it that of the certificate, the credentials are of its app, or APNs refuses them. */
export const apnsIdentityOf = ({
  tags,
  connections,
  endpoint,
  mode,
  defaultTopic,
  loaded: { read },
}: ApnsSettings): PoolIdentity => ({
  app: read.ok ? appOf(read.credentials) : {},
  pinnedBy: defaultTopic,
  fixed: {
    tags: JSON.stringify(tags.toSorted()),
    pool_size: connections,
    endpoint,
    mode,
    // A certificate that cannot be read may name one.
    ...((defaultTopic !== undefined || read.ok) && { default_topic: defaultTopic }),
  },
});

const appOf = (credentials: ApnsCredentials): PoolIdentity['app'] =>
  credentials.type === 'token'
    ? { team: credentials.teamId }
    : { 'subject of the certificate': new X509Certificate(credentials.cert).subject.replaceAll('\n', ', ') };
