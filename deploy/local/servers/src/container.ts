import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as Testcontainers from 'testcontainers';
import type { Image } from './catalogue.ts';
import { lastLines, sizeOf } from './log.ts';
import type { Instance, Launch, Report } from './launch.ts';

// For machines that have a Docker engine (or Podman with Docker's API). The server sees the data folder under the same
// path and listens on the same port numbers as a local process would, so everything else is the same for both.

/** A container engine on this machine that responds. */
export type Engine = {
  readonly testcontainers: typeof Testcontainers;
  readonly client: Testcontainers.ContainerRuntimeClient;
  /** The user to run containers as, so that this user owns the files that they write. */
  readonly user: string | undefined;
};

let lookup: Promise<Engine | undefined> | undefined;

/** The container engine of this machine; looked up only once. */
export const findEngine = (): Promise<Engine | undefined> => (lookup ??= lookUpEngine());

const lookUpEngine = async (): Promise<Engine | undefined> => {
  try {
    // Imported only when needed: it is a development dependency, and slow to load.
    const testcontainers = await import('testcontainers');
    const client = await testcontainers.getContainerRuntimeClient();
    // Only an engine on this machine shares folders and loopback ports.
    if (!['localhost', '127.0.0.1', '::1'].includes(client.info.containerRuntime.host)) return undefined;
    const { SecurityOptions = [] } = await client.container.dockerode.info();
    // In a rootless engine, the container's root is already this user.
    const rootless = (SecurityOptions as string[]).some((option) => option.includes('rootless'));
    const mapped = rootless || process.platform !== 'linux';
    return { testcontainers, client, user: mapped ? undefined : `${process.getuid?.()}:${process.getgid?.()}` };
  } catch {
    return undefined;
  }
};

/** Pulls or builds an image if it is missing; returns whether it is available now. */
export const provideImage = async (
  { testcontainers, client }: Engine,
  image: Image,
  report: Report,
): Promise<boolean> => {
  const name = testcontainers.ImageName.fromString(image.name);
  if (await client.image.exists(name)) return true;
  report(`fetching the image ${image.name} (only once)`);
  try {
    if (image.packages === undefined) await client.image.pull(name);
    else
      await testcontainers.GenericContainer.fromDockerfile(fileURLToPath(new URL('../image', import.meta.url)))
        .withBuildArgs({ PACKAGES: image.packages })
        .build(image.name, { deleteOnExit: false });
    return true;
  } catch (error) {
    report(`the container engine could not provide ${image.name}: ${error}`);
    return false;
  }
};

/** Runs a server in a container that does not outlive this process. */
export const startContainer = async (engine: Engine, image: Image, launch: Launch): Promise<Instance> => {
  const { client, user } = engine;
  const logFile = join(launch.dataDir, `${launch.kind}.log`);
  const before = await sizeOf(logFile);
  const log = createWriteStream(logFile, { flags: 'a' });
  const Container = loopbackContainer(engine);
  const container = new Container(image.name)
    .withEntrypoint([image.program.file])
    .withCommand([...launch.args])
    .withEnvironment({ HOME: launch.dataDir, LANG: 'C.UTF-8', ...image.program.env, ...launch.env })
    .withWorkingDir(launch.dataDir)
    .withBindMounts([{ source: launch.dataDir, target: launch.dataDir }])
    .withExposedPorts(...launch.ports.map((port) => ({ container: port, host: port })))
    .withWaitStrategy(noWait)
    .withLogConsumer((stream) => stream.pipe(log));
  if (user !== undefined) container.withUser(user);
  const started = await container.start();

  const docker = client.container.getById(started.getId());
  let isGone = false;
  const endWith = async (end: () => Promise<unknown>): Promise<void> => {
    if (isGone) return;
    isGone = true;
    await end();
  };
  return {
    ended: async () => {
      if (isGone) return 'it was stopped';
      const { State } = await docker.inspect();
      return State.Running ? undefined : `its container exited by itself with status ${State.ExitCode}`;
    },
    lastLines: () => lastLines(logFile, before),
    stop: () => endWith(() => started.stop({ timeout: 10_000 })),
    kill: () =>
      endWith(async () => {
        // A container that has exited by itself cannot be killed, only removed.
        await docker.kill({ signal: 'SIGKILL' }).catch(() => {});
        await started.stop();
      }),
  };
};

/** A container whose ports are published on loopback only; testcontainers publishes on all addresses. */
const loopbackContainer = ({ testcontainers }: Engine) =>
  class extends testcontainers.GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      const bindings: Record<string, { HostIp?: string }[]> = this.hostConfig.PortBindings ?? {};
      for (const binding of Object.values(bindings).flat()) binding.HostIp = '127.0.0.1';
    }
  };

// Readiness is probed in the protocol of each server, in the same way as for local processes.
const noWait: ReturnType<typeof Testcontainers.Wait.forListeningPorts> = {
  waitUntilReady: async () => {},
  withStartupTimeout: () => noWait,
  isStartupTimeoutSet: () => true,
  getStartupTimeout: () => 0,
};
