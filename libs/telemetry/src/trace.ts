import { randomBytes } from 'node:crypto';

// W3C Trace Context, https://www.w3.org/TR/trace-context/ §3.2: version-traceid-parentid-flags
const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A `traceparent` that begins a new trace: one for each stanza that enters the mesh. */
export const newTraceparent = (): string => {
  const bytes = randomBytes(24).toString('hex');
  return `00-${bytes.slice(0, 32)}-${bytes.slice(32)}-01`;
};

/** The `traceparent` for the next hop of the same trace; begins a new trace when `parent` is absent or malformed. */
export const childTraceparent = (parent: string | undefined): string => {
  const [, traceId, , flags] = form.exec(parent ?? '') ?? [];
  return traceId ? `00-${traceId}-${randomBytes(8).toString('hex')}-${flags}` : newTraceparent();
};

/** The trace id of a `traceparent`, for log lines. */
export const traceIdOf = (traceparent: string | undefined): string | undefined => form.exec(traceparent ?? '')?.[1];
