/**
 * The part of `@xmpp/component` 0.13.1 that we use; the package ships no types. Names with an underscore are methods
 * that `@xmpp/connection` calls on itself, and that can be replaced on an instance.
 */
declare module '@xmpp/component' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';
  import type { Element } from 'ltx';

  /** What `@xmpp/connection` expects of a parser: the events `start`, `element`, `end` and `error`. */
  export interface Parser extends EventEmitter {
    write(text: string): void;
    end(text?: string): void;
  }

  export interface Entity extends EventEmitter {
    /** Milliseconds that the library allows for each of its steps; 0 turns these timers off. */
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
