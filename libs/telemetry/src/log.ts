import { hash } from 'node:crypto';
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

export type Log = Logger;

/** Fields that must never be readable in a log line, wherever they stand one or two levels deep. */
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
 * What stands for a push node wherever people read: many clients name theirs after the device token. The same as
 * `printf %s NODE | sha256sum | cut -c1-12`.
 */
export const nodeHash = (node: string): string => hash('sha256', node).slice(0, 12);

/**
 * A JSON logger on standard output: one object a line with `service` and an `event` that names what happened.
 * Log lines are `log.info({ event, …fields })`, never sentences built out of data. The field `node` takes the name of a push
 * node, and shows its hash.
 */
export const createLog = (service: string, level: string, destination?: DestinationStream): Log => {
  const options = {
    level,
    base: { service },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { node: nodeHash },
    redact: {
      // ioredis leaves on its errors the command with all that was in it, be it the password.
      paths: ['err.command', ...secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])],
      censor: '[redacted]',
    },
  };
  return destination ? pino(options, destination) : pino(options);
};
