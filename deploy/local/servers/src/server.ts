import { mkdir, realpath } from 'node:fs/promises';
import { catalogue, type ServerKind } from './catalogue.ts';
import { startContainer } from './container.ts';
import type { Instance, Launch, Report } from './launch.ts';
import { describeLocation, locate, type Location, type Prefer } from './locate.ts';
import { choosePorts } from './ports.ts';
import { retryUntil } from './probe.ts';
import { startProcess } from './process.ts';

/** The options for starting any server. */
export type StartOptions = {
  /** Where configuration, data, log and pid file live. Start again with the same folder to get the same state back. */
  readonly dataDir: string;
  /** What is tried first if there are several ways to run it. Default: `local`. */
  readonly prefer?: Prefer;
  readonly report?: Report;
};

/** A server that is ready. */
export type RunningServer = {
  /** For humans: `local process /usr/sbin/nats-server`, `container nats:2.11-alpine`, `url from NATS_URL`. */
  readonly how: string;
  /** How it ended, or undefined while it runs. */
  ended(): Promise<string | undefined>;
  /** Stops the server gracefully; does nothing if it has already ended. */
  stop(): Promise<void>;
  /** Kills the server with SIGKILL, to simulate a crash. */
  kill(): Promise<void>;
  /** Stops the server if it is running, and starts it again with the same ports and data. */
  restart(): Promise<void>;
};

/** What is specific to one kind of server. `listen` is the address to listen on, which differs in a container. */
export type Plan<Port extends string> = {
  readonly kind: ServerKind;
  readonly preferredPorts: Readonly<Record<Port, number | undefined>>;
  /** Writes the configuration that the server reads, and returns its command line. */
  configure(
    place: { readonly dataDir: string; readonly listen: string },
    ports: Readonly<Record<Port, number>>,
  ): Promise<{ readonly args: readonly string[]; readonly env?: Readonly<Record<string, string>> }>;
  /** Resolves if this server, and not another one on its port, answers; rejects if it does not yet. */
  answers(ports: Readonly<Record<Port, number>>, dataDir: string): Promise<void>;
  /** Matches log lines which mean that the server will not do what it was configured for, even if it keeps running. */
  readonly complaint?: RegExp;
  /** What remains to be done once the server answers. */
  complete?(ports: Readonly<Record<Port, number>>): Promise<void>;
};

const startDeadlineMs = 60_000;
const portAttempts = 3;
const portTaken = /(already|port \d+|port is) in use|eaddrinuse|port is already allocated/i;

/** Finds the server, starts it on free ports and waits until it answers. */
export const runServer = async <Port extends string>(
  plan: Plan<Port>,
  options: StartOptions,
): Promise<RunningServer & { readonly ports: Readonly<Record<Port, number>> }> => {
  const report = options.report ?? (() => {});
  const { title } = catalogue[plan.kind];
  const location = await locate(plan.kind, options);
  if (location.via === 'url')
    throw new Error(`${title} cannot be run here: ${location.variable} names an external server`);
  const how = describeLocation(location);
  // Only for this user, because the configuration contains passwords.
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  // Servers report their folder with links resolved; the same spelling makes it comparable.
  const dataDir = await realpath(options.dataDir);

  const launch = async (ports: Readonly<Record<Port, number>>): Promise<Instance> => {
    const listen = location.via === 'container' ? '0.0.0.0' : '127.0.0.1';
    const { args, env = {} } = await plan.configure({ dataDir, listen }, ports);
    const numbers = Object.values<number>(ports);
    const instance = await start(location, { kind: plan.kind, dataDir, ports: numbers, args, env, report });
    try {
      const failure = async () => {
        const end = await instance.ended();
        return failureIn(await instance.lastLines(), numbers, plan.complaint) ?? end;
      };
      await retryUntil(startDeadlineMs, () => plan.answers(ports, dataDir), failure);
      // Once more, for a line logged just before the answer.
      const late = await failure();
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
      // Another process took a port after it was chosen and before the server started.
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

const failureIn = (log: string, ports: readonly number[], complaint: RegExp | undefined): string | undefined => {
  const lines = log.split('\n').map((line) => line.trim());
  const taken = lines.find((line) => portTaken.test(line));
  if (taken !== undefined)
    return `one of its ports, ${ports.join(', ')}, is already in use by another process (${taken})`;
  return complaint && lines.find((line) => complaint.test(line));
};
