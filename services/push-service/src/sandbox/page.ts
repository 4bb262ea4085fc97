import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The page that shows the phones, and its headers, which allow its own script and style and nothing else. */
export const readPage = () => {
  const css = read('page.css');
  const html = read('page.html').replace('<style></style>', () => `<style>${css}</style>`);
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(html, 'script')}'`,
    `style-src '${hashOf(html, 'style')}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    html,
    headers: {
      'content-security-policy': policy.join('; '),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    },
  };
};

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

/** The CSP source expression of the page's only `<script>` or `<style>` (CSP level 3 §2.3.1). */
const hashOf = (html: string, element: 'script' | 'style'): string => {
  const text = html.split(`<${element}>`)[1]?.split(`</${element}>`)[0] ?? '';
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
};
