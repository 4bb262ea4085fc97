import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive } from './identity.ts';
import type { Identity } from './identity.ts';
import { lastLines, sizeOf } from './log.ts';
import type { Program } from './program.ts';
import type { Instance, Report } from './server.ts';

const stopDeadline = 10_000;

/** A process to run: a server, or one of our own services. */
export type ProcessLaunch = {
  /** Names the log file and the pid file. */
  readonly name: string;
  /** What it is called in reports. */
  readonly title: string;
  readonly dataDir: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly report: Report;
  /** Milliseconds from SIGTERM to SIGKILL. Default: 10 s. */
  readonly stopMs?: number;
};

/** Runs a program as a child process that logs to a file and does not outlive us. */
export const startProcess = async (program: Program, launch: ProcessLaunch): Promise<Instance> => {
  const { name, title, dataDir, report, stopMs = stopDeadline } = launch;
  const pidFile = join(dataDir, `${name}.pid`);
  await endLeftover(pidFile, title, report);

  const logFile = join(dataDir, `${name}.log`);
  const logged = openSync(logFile, 'a');
  const before = await sizeOf(logFile);
  const child = spawn(program.file, launch.args, {
    cwd: dataDir,
    // Nothing of the caller's environment but PATH: settings meant for another server must not reach this one.
    env: { PATH: process.env['PATH'], HOME: dataDir, LANG: 'C.UTF-8', ...program.env, ...launch.env },
    stdio: ['ignore', logged, logged],
    // In a group of its own, so that Ctrl-C in a terminal reaches us and not the server: we decide the order of stopping.
    detached: true,
  });
  child.unref();
  closeSync(logged);

  let wanted = false;
  let end: string | undefined;
  const exited = new Promise<void>((resolve) => {
    const note = (how: string) => {
      end ??= how;
      resolve();
    };
    child.once('error', (error) => note(`${program.file} could not be run: ${error.message}`));
    child.once('exit', (code, signal) => {
      note(`it ended by itself with ${signal ?? `exit status ${code}`}`);
      rmSync(pidFile, { force: true });
    });
  });
  if (child.pid !== undefined) {
    writeFileSync(pidFile, JSON.stringify({ server: identify(child.pid), owner: identify(process.pid) }));
    const release = tieToOurLife(child.pid);
    child.once('exit', release);
  }
  void exited.then(() => {
    if (!wanted) report(`${title}: ${end}; its log is ${logFile}`);
  });

  const endWith = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    wanted = true;
    if (end !== undefined) return;
    child.kill(signal);
    if (await happensWithin(stopMs, exited)) return;
    const waited = `${stopMs / 1000} s after ${signal}`;
    if (signal === 'SIGKILL') throw new Error(`${title} (process ${child.pid}) is still there ${waited}`);
    report(`${title}: still there ${waited}, killing it`);
    await endWith('SIGKILL');
  };
  return {
    ended: async () => end,
    lastLines: () => lastLines(logFile, before),
    stop: () => endWith('SIGTERM'),
    kill: () => endWith('SIGKILL'),
  };
};

const happensWithin = async (patience: number, event: Promise<void>): Promise<boolean> => {
  const clock = new AbortController();
  const late = sleep(patience, false, { signal: clock.signal }).catch(() => false);
  const inTime = await Promise.race([event.then(() => true), late]);
  clock.abort();
  return inTime;
};

/**
 * Has the server stopped when this process is gone, however it went: the watching shell waits for the end of a pipe
 * that only we hold open. Gives back how to call the shell off.
 */
const tieToOurLife = (pid: number): (() => void) => {
  const watcher = spawn('/bin/sh', ['-c', 'read -r _; kill -TERM "$1"', 'watcher', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.unref();
  if (watcher.stdin instanceof Socket) watcher.stdin.unref();
  return () => void watcher.kill('SIGKILL');
};

/** Ends the server that an earlier run left behind in the same folder, and only that. */
const endLeftover = async (pidFile: string, title: string, report: Report): Promise<void> => {
  const note = readNote(pidFile);
  if (!note || !isAlive(note.server)) return;
  if (isAlive(note.owner)) {
    throw new Error(
      `${title} already runs in this folder (process ${note.server.pid}, started by process ${note.owner.pid}, ` +
        `noted in ${pidFile}). Stop that one first, or use another folder.`,
    );
  }
  report(`${title}: ending process ${note.server.pid}, left over from an earlier run`);
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    process.kill(note.server.pid, signal);
    const giveUpAt = performance.now() + stopDeadline;
    while (isAlive(note.server) && performance.now() < giveUpAt) await sleep(20);
    if (!isAlive(note.server)) return;
  }
  throw new Error(`${title} (process ${note.server.pid}, left over from an earlier run) cannot be ended`);
};

const readNote = (pidFile: string): { readonly server: Identity; readonly owner: Identity } | undefined => {
  try {
    const { server, owner } = JSON.parse(readFileSync(pidFile, 'utf8'));
    return { server: { pid: server.pid, began: server.began }, owner: { pid: owner.pid, began: owner.began } };
  } catch {
    // No note, or one cut short by a crash: then there is nothing that we could know to be ours.
    return undefined;
  }
};
