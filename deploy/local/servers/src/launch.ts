import type { ServerKind } from './catalogue.ts';

/** Receives lines for humans: what is being installed, which port was in use, which server exited by itself. */
export type Report = (line: string) => void;

/** A launched server, as a process or in a container. */
export type Instance = {
  /** How it ended, or undefined while it runs. */
  ended(): Promise<string | undefined>;
  /** The end of its log since this launch. */
  lastLines(): Promise<string>;
  stop(): Promise<void>;
  kill(): Promise<void>;
};

/** What to run, as a process or in a container. */
export type Launch = {
  readonly kind: ServerKind;
  readonly dataDir: string;
  readonly ports: readonly number[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly report: Report;
};
