/**
 * The part of `@xmpp/component` 0.13.1 that we use; the package has no types of its own. Names with an underscore are
 * methods of `@xmpp/connection` that it calls on itself, and that an instance can replace.
 */
declare module '@xmpp/component' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';
  import type { Element } from 'ltx';

  /** What `@xmpp/connection` asks of a parser: events `start`, `element`, `end`, `error`. */
  export interface Parser extends EventEmitter {
    write(text: string): void;
    end(text?: string): void;
  }

  export interface Entity extends EventEmitter {
    /** Milliseconds for each step of the lib's own; 0 turns these timers off. */
    timeout: number;
    socket: Socket | null;
    parser: Parser | null;
    Parser: new () => Parser;
    readonly reconnect: { stop(): void };
    connect(service: string): Promise<void>;
    open(options: { domain: string }): Promise<Element>;
    write(data: string | Uint8Array): Promise<void>;
    footer(): string;
    socketParameters(service: string): { host: string; port: number };
    _onData(data: string): void;
    _onElement(element: Element): void;
    _onParserError(error: Error & { readonly condition: string }): void;
  }

  export function component(options: { service: string; domain: string; password: string }): Entity;
}
