// The part of @xmpp/client 0.14 that deploy/local/client.ts uses; the package ships no types.
declare module '@xmpp/client' {
  import type { Element } from 'ltx';

  type Options = {
    readonly service: string;
    readonly domain: string;
    readonly credentials: (
      authenticate: (
        account: { readonly username: string; readonly password: string },
        mechanism: string,
      ) => Promise<void>,
    ) => Promise<void>;
    readonly resource: string;
  };

  export type Client = {
    readonly iqCaller: { request(iq: Element, timeoutMs: number): Promise<Element> };
    readonly reconnect: { stop(): void };
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
    send(stanza: Element): Promise<void>;
    on(event: 'error', listener: (error: Error) => void): void;
    on(event: 'disconnect', listener: () => void): void;
    on(event: 'stanza', listener: (stanza: Element) => void): void;
  };

  export const client: (options: Options) => Client;
  export const xml: (
    name: string,
    attrs?: Record<string, string | undefined>,
    ...children: (Element | string)[]
  ) => Element;
}
