import type { Mode } from '@pushmesh/contracts';
import type { ApnsFiles, NamedFile } from '../credentials/files.ts';
import type { FcmPlatform } from '../fcm/platforms.ts';

/** One Firebase project: whose requests come to it, and where its credentials lie. */
export type FcmPool = {
  readonly service: 'fcm';
  /** Unique; a label of metrics. */
  readonly name: string;
  readonly tags: readonly string[];
  readonly file: NamedFile;
  readonly origin: string;
  readonly tokenUri: string | undefined;
  readonly connections: number;
  readonly platforms: readonly FcmPlatform[];
  readonly quotaPerMinute: number;
};

/** One APNs app in one environment. */
export type ApnsPool = {
  readonly service: 'apns';
  /** Unique; a label of metrics. */
  readonly name: string;
  readonly mode: Mode;
  readonly tags: readonly string[];
  readonly files: ApnsFiles;
  readonly defaultTopic: string | undefined;
  readonly endpoint: string;
  readonly connections: number;
};

/** In the order in which they are chosen. */
export type Pools = { readonly fcm: readonly FcmPool[]; readonly apns: readonly ApnsPool[] };

type Apple = { readonly mode: Mode; readonly host: string | undefined; readonly use2197: boolean };

/** The origin of APNs; a port in `host` is believed. */
export const apnsEndpoint = ({ mode, host, use2197 }: Apple): string => {
  const name = host ?? (mode === 'prod' ? 'api.push.apple.com' : 'api.sandbox.push.apple.com');
  return name.includes(':') ? `https://${name}` : `https://${name}:${use2197 ? 2197 : 443}`;
};
