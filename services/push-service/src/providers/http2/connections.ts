import { createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import { backOffMs } from '@pushmesh/async';
import { openHttp2Connection } from './connection.ts';
import type { Connection, ConnectionOptions } from './connection.ts';

/** What happened to one connection, for logs and metrics. `why` is an error code of Node, OpenSSL or this pool. */
export type ConnectionChange =
  | { readonly type: 'connected' }
  | { readonly type: 'unreachable'; readonly why: string }
  | { readonly type: 'lost'; readonly why: string }
  /** `code` is an error code of RFC 9113 §7. */
  | { readonly type: 'goaway'; readonly code: number }
  | { readonly type: 'retired'; readonly why: 'age' | 'recycled' | 'dropped' };

export type ConnectionsOptions = Omit<ConnectionOptions, 'secureContext'> & {
  readonly tls: SecureContextOptions;
  /** The maximum number at a time, not counting connections that are being replaced. */
  readonly connections: number;
  readonly maxConnectionAgeMs: number;
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
  readonly random: () => number;
  readonly onState: (change: ConnectionChange) => void;
};

type Events = {
  readonly onRoom: () => void;
  /** An attempt failed, and there is no other connection, open or opening. */
  readonly onUnreachable: (why: string) => void;
};

/** A connection, and what is known about it. */
export type Member = {
  readonly connection: Connection;
  /** It has carried an answer. */
  worked: boolean;
  /** To be retired as soon as another connection takes its place. */
  stale: boolean;
  /** We ended it, or its end has already been counted as a failure. */
  over: boolean;
  age: NodeJS.Timeout | undefined;
};

/** The connections to one origin: opened when needed, kept, and replaced when lost or too old. */
export const createConnections = (options: ConnectionsOptions, { onRoom, onUnreachable }: Events) => {
  const { connections: most, maxConnectionAgeMs, backoff, random, onState } = options;
  const members = new Set<Member>();
  let secureContext = createSecureContext(options.tls);
  let wanted = 0;
  /** Failed attempts in a row; reset by the first answer over a connection that was opened later. */
  let failures = 0;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  const count = (test: (member: Member) => boolean): number => {
    let number = 0;
    for (const member of members) if (test(member)) number += 1;
    return number;
  };
  const isOpening = ({ connection }: Member) => connection.state() === 'connecting';
  const isReady = ({ connection }: Member) => connection.state() === 'ready';

  const fail = () => {
    if (retry || closed) return;
    failures += 1;
    const waitMs = backOffMs(backoff, failures, 'equal', random());
    retry = setTimeout(() => {
      retry = undefined;
      maintain();
    }, waitMs).unref();
  };

  /** Opens what is missing; a peer in trouble gets one attempt at a time. */
  const maintain = () => {
    if (closed || retry) return;
    const missing = wanted - count((member) => !member.stale && (isOpening(member) || isReady(member)));
    const allowed = failures > 0 ? Math.min(missing, 1 - count(isOpening)) : missing;
    for (let n = 0; n < allowed; n += 1) open();
  };

  const grow = () => {
    if (wanted >= most || (wanted > 0 && failures > 0)) return;
    // One after the other: a connection that has one stream now may soon have a hundred. A second may be opened if the first
    // is slow to prove itself.
    if (count(isOpening) > 0 || count(({ connection }) => !connection.isProven()) > 1) return;
    wanted += 1;
    maintain();
  };

  const retire = (member: Member, why: 'age' | 'recycled' | 'dropped') => {
    member.over = true;
    member.connection.retire();
    onState({ type: 'retired', why });
  };

  const open = () => {
    let wasReady = false;
    const onFirstRoom = () => {
      wasReady = true;
      const ageMs = maxConnectionAgeMs * (0.9 + 0.2 * random());
      member.age = setTimeout(() => {
        member.stale = true;
        maintain();
      }, ageMs).unref();
      onState({ type: 'connected' });
      for (const other of members)
        if (other.stale && isReady(other)) {
          retire(other, 'age');
          return;
        }
    };
    const connection = openHttp2Connection(
      { ...options, secureContext },
      {
        onRoom: () => {
          if (!wasReady) onFirstRoom();
          onRoom();
        },
        onGoaway: (code) => {
          onState({ type: 'goaway', code });
          if (!member.worked) fail();
          member.over = true;
          maintain();
        },
        onClosed: (why) => {
          members.delete(member);
          clearTimeout(member.age);
          if (!member.over) onState({ type: wasReady ? 'lost' : 'unreachable', why });
          if (!member.over && !member.worked) fail();
          if (!wasReady && !member.over && count(isOpening) + count(isReady) === 0) onUnreachable(why);
          maintain();
        },
      },
    );
    const member: Member = { connection, worked: false, stale: false, over: false, age: undefined };
    members.add(member);
  };

  return {
    /** The least loaded connection that can take another stream. */
    spare: (): Member | undefined => {
      let best: Member | undefined;
      let load = Number.POSITIVE_INFINITY;
      for (const member of members) {
        const inFlight = member.connection.inFlight();
        if (inFlight >= load || !isReady(member) || inFlight >= member.connection.limit()) continue;
        best = member;
        load = inFlight;
      }
      // Another connection is opened when the least loaded one is half full, so that it is ready when needed.
      const pressed = !best || load * 2 >= best.connection.limit();
      if (pressed) grow();
      return best;
    },

    worked: (member: Member) => {
      if (member.worked) return;
      member.worked = true;
      failures = 0;
      maintain();
    },

    /**
     * The connection gets no more requests, and the next attempt backs off: another connection may give the same
     * answer.
     */
    drop: (member: Member) => {
      if (member.over) return;
      retire(member, 'dropped');
      fail();
    },

    /** Stops using all present connections at once; what is in flight on them is finished. */
    recycle: (tls?: SecureContextOptions) => {
      if (tls) secureContext = createSecureContext(tls);
      const present = [...members]; // others take their places in the meantime
      for (const member of present) {
        if (isReady(member)) retire(member, 'recycled');
        if (!isOpening(member)) continue;
        member.over = true;
        member.connection.destroy('recycled');
      }
      clearTimeout(retry);
      retry = undefined;
      failures = 0;
      maintain();
    },

    /** Opens the first connection before the first request. */
    open: () => {
      wanted = Math.max(wanted, 1);
      maintain();
    },

    /** `disconnected` counts connections that should be open; those that were never needed do not count. */
    numbers: () => {
      const connected = count(isReady);
      return { connected, disconnected: Math.max(0, wanted - connected) };
    },

    close: () => {
      closed = true;
      clearTimeout(retry);
      for (const member of members) {
        member.over = true;
        member.connection.destroy('closed');
      }
    },
  };
};
