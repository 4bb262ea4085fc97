import { readdirSync, readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

const folder = new URL('lua/', import.meta.url);

const names = [
  'add-to-index',
  'change-node',
  'create-node',
  'delete-node',
  'disable',
  'enable',
  'renew-node',
  'retire-node',
] as const;
type Script = (typeof names)[number];

/** Each runs one script of `lua/` on one key; the script's header explains the number that it returns. */
export type Scripts = {
  readonly [K in Script]: (key: string, ...args: readonly (string | number)[]) => Promise<number>;
};

/** Loads the scripts, `lua/<verb>-<number of keys>.lua`. Running one takes one round trip (EVALSHA). */
export const loadScripts = (redis: Redis): Scripts => {
  const files = readdirSync(folder);
  return Object.fromEntries(
    names.map((name) => {
      const file = files.find((each) => each.startsWith(`${name}-`) && /^-\d+\.lua$/.test(each.slice(name.length)));
      if (!file) throw new Error(`the script ${name} is missing from ${folder.pathname}`);
      const command = `pushmesh:${name}`;
      redis.defineCommand(command, {
        numberOfKeys: Number(/-(\d+)\.lua$/.exec(file)?.[1]),
        lua: readFileSync(new URL(file, folder), 'utf8'),
      });
      const call = (redis as unknown as Record<string, (...args: unknown[]) => Promise<number>>)[command];
      return [name, (...args: unknown[]) => call?.apply(redis, args)];
    }),
  ) as Scripts;
};
