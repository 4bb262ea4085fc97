import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = globSync('**/*.md', { cwd: root, exclude: ['**/node_modules/**', '.*/**'] });

/** The targets of a page's links into this repository, without their anchors. */
const linksOf = (page: string): readonly string[] =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#\s]+)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));

it.each(pages)('every link of %s leads to a file', (page) => {
  expect(linksOf(page).filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
});
