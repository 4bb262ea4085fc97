import { hash } from 'node:crypto';
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

export type Log = Logger;

/** Fields that are never readable in a log line, at the top level or up to two levels deep. */
const secretFields = [
  'device_id',
  'device',
  'deviceId',
  'secret',
  'token',
  'password',
  'authorization',
  'body',
  'options',
  'summary',
];

/**
 * Stands for a push node wherever people read its name, because many clients name theirs after the device token. The same
 * as `printf %s NODE | sha256sum | cut -c1-12`.
 */
export const nodeHash = (node: string): string => hash('sha256', node).slice(0, 12);

/**
 * A JSON logger on standard output: one object per line, with `service` and an `event` that names what happened. Log lines
 * are `log.info({ event, …fields })`, never sentences built from data. The field `node` takes the name of a push node and
 * shows its hash.
 */
export const createLog = (service: string, level: string, destination?: DestinationStream): Log => {
  const options = {
    level,
    base: { service },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { node: nodeHash },
    redact: {
      // ioredis attaches the command to its errors, with all its arguments: for AUTH, the password.
      paths: ['err.command', ...secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])],
      censor: '[redacted]',
    },
  };
  return destination ? pino(options, destination) : pino(options);
};
