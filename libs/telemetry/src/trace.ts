import { randomFillSync } from 'node:crypto';

// W3C Trace Context, https://www.w3.org/TR/trace-context/ §3.2: version-traceid-parentid-flags
const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Random bytes are drawn in blocks, because drawing them for each trace would cost a system call for each push. */
const block = Buffer.alloc(4_096);
let drawn = block.length;

const randomHex = (bytes: 8 | 16): string => {
  if (drawn + bytes > block.length) {
    randomFillSync(block);
    drawn = 0;
  }
  drawn += bytes;
  return block.toString('hex', drawn - bytes, drawn);
};

/** A `traceparent` that begins a new trace. Every stanza that enters the mesh gets one. */
export const newTraceparent = (): string => `00-${randomHex(16)}-${randomHex(8)}-01`;

/** The `traceparent` for the next hop of the same trace; begins a new trace when `parent` is absent or malformed. */
export const childTraceparent = (parent: string | undefined): string => {
  const [, traceId, , flags] = form.exec(parent ?? '') ?? [];
  return traceId ? `00-${traceId}-${randomHex(8)}-${flags}` : newTraceparent();
};

/** The trace id of a `traceparent`, for log lines; `undefined` if it is absent or malformed. */
export const traceIdOf = (traceparent: string | undefined): string | undefined => form.exec(traceparent ?? '')?.[1];
