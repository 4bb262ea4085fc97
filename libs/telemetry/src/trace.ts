import { randomUUID } from 'node:crypto';

// W3C Trace Context, https://www.w3.org/TR/trace-context/ §3.2: version-traceid-parentid-flags
const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** 32 hex digits. `randomUUID` takes its randomness in blocks: `randomBytes` would cost a system call each time. */
const randomHex = (): string => randomUUID().replaceAll('-', '');

/** A `traceparent` that begins a new trace: one for each stanza that enters the mesh. */
export const newTraceparent = (): string => `00-${randomHex()}-${randomHex().slice(16)}-01`;

/** The `traceparent` for the next hop of the same trace; begins a new trace when `parent` is absent or malformed. */
export const childTraceparent = (parent: string | undefined): string => {
  const [, traceId, , flags] = form.exec(parent ?? '') ?? [];
  return traceId ? `00-${traceId}-${randomHex().slice(16)}-${flags}` : newTraceparent();
};

/** The trace id of a `traceparent`, for log lines. */
export const traceIdOf = (traceparent: string | undefined): string | undefined => form.exec(traceparent ?? '')?.[1];
