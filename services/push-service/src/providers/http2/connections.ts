import { createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import { backoffMs } from '../backoff.ts';
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
  /** The most at a time; a connection that is being replaced comes on top. */
  readonly connections: number;
  readonly maxConnectionAgeMs: number;
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
  readonly random: () => number;
  readonly onState: (change: ConnectionChange) => void;
};

type Events = {
  readonly onRoom: () => void;
  /** An attempt failed, and no other connection is there or on its way. */
  readonly onUnreachable: (why: string) => void;
};

/** A connection and what we know of it. */
export type Member = {
  readonly connection: Connection;
  /** An answer came over it. */
  worked: boolean;
  /** To be retired as soon as another takes its place. */
  stale: boolean;
  /** Its end is our wish, or is counted as a failure already. */
  over: boolean;
  age: NodeJS.Timeout | undefined;
};

/** The connections to one origin: opened when they are needed, kept, replaced when they are lost or too old. */
export const createConnections = (options: ConnectionsOptions, { onRoom, onUnreachable }: Events) => {
  const { connections: most, maxConnectionAgeMs, backoff, random, onState } = options;
  const members = new Set<Member>();
  let secureContext = createSecureContext(options.tls);
  let wanted = 0;
  /** Attempts in a row that came to nothing; ended by the first answer over a connection that was opened later. */
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
    const waitMs = backoffMs(backoff, failures, random());
    retry = setTimeout(() => {
      retry = undefined;
      maintain();
    }, waitMs).unref();
  };

  /** Opens what is missing; a peer that is in trouble gets one attempt at a time. */
  const maintain = () => {
    if (closed || retry) return;
    const missing = wanted - count((member) => !member.stale && (isOpening(member) || isReady(member)));
    const allowed = failures > 0 ? Math.min(missing, 1 - count(isOpening)) : missing;
    for (let n = 0; n < allowed; n += 1) open();
  };

  const grow = () => {
    if (wanted >= most || (wanted > 0 && failures > 0)) return;
    // One after the other: what has one stream now may have a hundred soon. One that is slow to show it may be passed by.
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
    /** The least loaded connection that takes another stream. */
    spare: (): Member | undefined => {
      let best: Member | undefined;
      let load = Number.POSITIVE_INFINITY;
      for (const member of members) {
        const inFlight = member.connection.inFlight();
        if (inFlight >= load || !isReady(member) || inFlight >= member.connection.limit()) continue;
        best = member;
        load = inFlight;
      }
      // Another one is opened when the least loaded is half full, so that it is there when it is needed.
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

    /** The connection gets nothing more, and the next attempt takes its time: what it said, others may say as well. */
    drop: (member: Member) => {
      if (member.over) return;
      retire(member, 'dropped');
      fail();
    },

    /** Ends the use of all present connections at once; what is in flight on them is finished. */
    recycle: (tls?: SecureContextOptions) => {
      if (tls) secureContext = createSecureContext(tls);
      const present = [...members]; // others take their places meanwhile
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

    /** Opens the first connection before there is a request. */
    open: () => {
      wanted = Math.max(wanted, 1);
      maintain();
    },

    /** `disconnected` are those that should be there: never opened ones do not count. */
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
