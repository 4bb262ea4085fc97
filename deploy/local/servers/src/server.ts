import { mkdir, realpath } from 'node:fs/promises';
import { catalogue, type ServerKind } from './catalogue.ts';
import { startContainer } from './container.ts';
import { describeLocation, locate, type Location, type Prefer } from './locate.ts';
import { choosePorts } from './ports.ts';
import { retryUntil } from './probe.ts';
import { startProcess } from './process.ts';

/** Takes one line for a human: what is being installed, which port was taken, which server ended by itself. */
export type Report = (line: string) => void;

/** What every server is started with. */
export type StartOptions = {
  /** Where configuration, data, log and pid file live. Start again with the same folder to get the same state back. */
  readonly dataDir: string;
  /** Which way is tried first when several are open. Default: `local`. */
  readonly prefer?: Prefer;
  readonly report?: Report;
};

/** A server that answers. */
export type RunningServer = {
  /** For humans: `local process /usr/sbin/nats-server`, `container nats:2.11-alpine`, `url from NATS_URL`. */
  readonly how: string;
  /** How it ended, or undefined while it runs. */
  ended(): Promise<string | undefined>;
  /** Ends the server in an orderly way; nothing happens when it has ended already. */
  stop(): Promise<void>;
  /** Ends the server with SIGKILL, as a crash would. */
  kill(): Promise<void>;
  /** Stops the server if it runs, and starts it with the same ports and the same data. */
  restart(): Promise<void>;
};

/** One launched server, whatever it runs in. */
export type Instance = {
  /** How it ended, or undefined while it runs. */
  ended(): Promise<string | undefined>;
  /** The end of what it has logged since this launch. */
  lastLines(): Promise<string>;
  stop(): Promise<void>;
  kill(): Promise<void>;
};

/** What has to be run, in a process or in a container. */
export type Launch = {
  readonly kind: ServerKind;
  readonly dataDir: string;
  readonly ports: readonly number[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly report: Report;
};

/** What is particular to one kind of server. `listen` is the address it must listen on in the place where it runs. */
export type Plan<Port extends string> = {
  readonly kind: ServerKind;
  readonly preferredPorts: Readonly<Record<Port, number | undefined>>;
  /** Writes what the server reads at start, and gives the command line. */
  configure(
    place: { readonly dataDir: string; readonly listen: string },
    ports: Readonly<Record<Port, number>>,
  ): Promise<{ readonly args: readonly string[]; readonly env?: Readonly<Record<string, string>> }>;
  /** Resolves when this very server answers; rejects when it does not yet. */
  answers(ports: Readonly<Record<Port, number>>, dataDir: string): Promise<void>;
  /** A line in the log that means: it will not do what it was configured for, though it may go on. */
  readonly complaint?: RegExp;
  /** What remains to be done once it answers. */
  complete?(ports: Readonly<Record<Port, number>>): Promise<void>;
};

const startDeadline = 60_000;
const portAttempts = 3;
const portTaken = /(already|port \d+|port is) in use|eaddrinuse|port is already allocated/i;

/** Finds the server, starts it on ports of its own and waits until it answers. */
export const runServer = async <Port extends string>(
  plan: Plan<Port>,
  options: StartOptions,
): Promise<RunningServer & { readonly ports: Readonly<Record<Port, number>> }> => {
  const report = options.report ?? (() => {});
  const { title } = catalogue[plan.kind];
  const location = await locate(plan.kind, options);
  if (location.via === 'url') throw new Error(`${title} cannot be run here: it is given by ${location.variable}`);
  const how = describeLocation(location);
  // Configurations have passwords in them.
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  // Servers report their folder with links resolved; one spelling keeps comparisons simple.
  const dataDir = await realpath(options.dataDir);

  const launch = async (ports: Readonly<Record<Port, number>>): Promise<Instance> => {
    const listen = location.via === 'container' ? '0.0.0.0' : '127.0.0.1';
    const { args, env = {} } = await plan.configure({ dataDir, listen }, ports);
    const numbers = Object.values<number>(ports);
    const instance = await start(location, { kind: plan.kind, dataDir, ports: numbers, args, env, report });
    try {
      const trouble = async () => {
        const end = await instance.ended();
        return troubleIn(await instance.lastLines(), numbers, plan.complaint) ?? end;
      };
      await retryUntil(startDeadline, () => plan.answers(ports, dataDir), trouble);
      // Once more, for a line that came just before the answer.
      const late = await trouble();
      if (late !== undefined) throw new Error(late);
      await plan.complete?.(ports);
      return instance;
    } catch (cause) {
      await instance.kill();
      const log = await instance.lastLines();
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${title} did not start (${how}): ${reason}. The end of its log:\n${log}`, { cause });
    }
  };

  const launchOnFreePorts = async (
    attempt: number,
  ): Promise<{ instance: Instance; ports: Readonly<Record<Port, number>> }> => {
    const ports = await choosePorts(plan.preferredPorts, (line) => report(`${title}: ${line}`));
    try {
      return { instance: await launch(ports), ports };
    } catch (error) {
      // Somebody took a port between our look and the server's start.
      if (attempt < portAttempts && portTaken.test(String(error))) return launchOnFreePorts(attempt + 1);
      throw error;
    }
  };

  let { instance, ports } = await launchOnFreePorts(1);
  return {
    how,
    ports,
    ended: () => instance.ended(),
    stop: () => instance.stop(),
    kill: () => instance.kill(),
    restart: async () => {
      await instance.stop();
      instance = await launch(ports);
    },
  };
};

const start = (location: Exclude<Location, { via: 'url' }>, launch: Launch): Promise<Instance> =>
  location.via === 'container'
    ? startContainer(location.engine, location.image, launch)
    : startProcess(location.program, { ...launch, name: launch.kind, title: catalogue[launch.kind].title });

const troubleIn = (log: string, ports: readonly number[], complaint: RegExp | undefined): string | undefined => {
  const lines = log.split('\n').map((line) => line.trim());
  const taken = lines.find((line) => portTaken.test(line));
  if (taken !== undefined)
    return `one of its ports, ${ports.join(', ')}, is already in use by somebody else (${taken})`;
  return complaint && lines.find((line) => complaint.test(line));
};
