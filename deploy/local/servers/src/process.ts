import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive } from './identity.ts';
import type { Identity } from './identity.ts';
import { lastLines, sizeOf } from './log.ts';
import type { Program } from './program.ts';
import type { Instance, Report } from './launch.ts';

const stopDeadlineMs = 10_000;

/** A process to run: a server, or one of the services. */
export type ProcessLaunch = {
  /** Names the log file and the pid file. */
  readonly name: string;
  /** Its name in reports. */
  readonly title: string;
  readonly dataDir: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly report: Report;
  /** Milliseconds from SIGTERM to SIGKILL. Default: 10 s. */
  readonly stopMs?: number;
};

/** Runs a program as a child process that logs to a file and does not outlive this process. */
export const startProcess = async (program: Program, launch: ProcessLaunch): Promise<Instance> => {
  const { name, title, dataDir, report, stopMs = stopDeadlineMs } = launch;
  const pidFile = join(dataDir, `${name}.pid`);
  await stopLeftover(pidFile, title, report);

  const logFile = join(dataDir, `${name}.log`);
  const logged = openSync(logFile, 'a');
  const before = await sizeOf(logFile);
  const child = spawn(program.file, launch.args, {
    cwd: dataDir,
    // Of this process's environment only PATH: settings for another server must not reach this one.
    env: { PATH: process.env['PATH'], HOME: dataDir, LANG: 'C.UTF-8', ...program.env, ...launch.env },
    stdio: ['ignore', logged, logged],
    // In its own process group, so that Ctrl-C in a terminal does not reach it: this process stops all in order.
    detached: true,
  });
  child.unref();
  closeSync(logged);

  let isStopping = false;
  let end: string | undefined;
  const exited = new Promise<void>((resolve) => {
    const settle = (how: string) => {
      end ??= how;
      resolve();
    };
    child.once('error', (error) => settle(`${program.file} could not be run: ${error.message}`));
    child.once('exit', (code, signal) => {
      settle(`it exited by itself with ${signal ?? `status ${code}`}`);
      rmSync(pidFile, { force: true });
    });
  });
  if (child.pid !== undefined) {
    writeFileSync(pidFile, JSON.stringify({ server: identify(child.pid), owner: identify(process.pid) }));
    const cancel = stopWhenThisProcessEnds(child.pid);
    child.once('exit', cancel);
  }
  void exited.then(() => {
    if (!isStopping) report(`${title}: ${end}; its log is ${logFile}`);
  });

  const endWith = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    isStopping = true;
    if (end !== undefined) return;
    child.kill(signal);
    if (await happensWithin(stopMs, exited)) return;
    const waited = `${stopMs / 1000} s after ${signal}`;
    if (signal === 'SIGKILL') throw new Error(`${title} (process ${child.pid}) is still running ${waited}`);
    report(`${title}: still running ${waited}, killing it`);
    await endWith('SIGKILL');
  };
  return {
    ended: async () => end,
    lastLines: () => lastLines(logFile, before),
    stop: () => endWith('SIGTERM'),
    kill: () => endWith('SIGKILL'),
  };
};

const happensWithin = async (timeoutMs: number, event: Promise<void>): Promise<boolean> => {
  const clock = new AbortController();
  const late = sleep(timeoutMs, false, { signal: clock.signal }).catch(() => false);
  const inTime = await Promise.race([event.then(() => true), late]);
  clock.abort();
  return inTime;
};

/**
 * Stops the child when this process is gone, however it ended: a shell waits for the end of a pipe that only this
 * process holds open. Returns a function that calls off the shell.
 */
const stopWhenThisProcessEnds = (pid: number): (() => void) => {
  const watcher = spawn('/bin/sh', ['-c', 'read -r _; kill -TERM "$1"', 'watcher', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.unref();
  if (watcher.stdin instanceof Socket) watcher.stdin.unref();
  return () => void watcher.kill('SIGKILL');
};

/** Stops the process that an earlier run left behind in the same folder, and no other. */
const stopLeftover = async (pidFile: string, title: string, report: Report): Promise<void> => {
  const leftover = readPidFile(pidFile);
  if (!leftover || !isAlive(leftover.server)) return;
  const { server, owner } = leftover;
  if (isAlive(owner)) {
    throw new Error(
      `${title} is already running in this folder (process ${server.pid}, started by process ${owner.pid}, ` +
        `according to ${pidFile}). Stop it first, or use another folder.`,
    );
  }
  report(`${title}: stopping process ${server.pid}, left over from an earlier run`);
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    process.kill(server.pid, signal);
    const giveUpAt = performance.now() + stopDeadlineMs;
    while (isAlive(server) && performance.now() < giveUpAt) await sleep(20);
    if (!isAlive(server)) return;
  }
  throw new Error(`${title} (process ${server.pid}, left over from an earlier run) cannot be stopped`);
};

const readPidFile = (pidFile: string): { readonly server: Identity; readonly owner: Identity } | undefined => {
  try {
    const { server, owner } = JSON.parse(readFileSync(pidFile, 'utf8'));
    return { server: { pid: server.pid, began: server.began }, owner: { pid: owner.pid, began: owner.began } };
  } catch {
    // No file, or one cut short by a crash: no leftover is known.
    return undefined;
  }
};
