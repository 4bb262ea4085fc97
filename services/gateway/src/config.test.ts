import { expect, it } from 'vitest';
import { readGatewayConfig } from './config.ts';

const env = (components: string) => ({ XMPP_COMPONENTS: components, XMPP_COMPONENT_SECRET: 's3cr3t' });

it('a list of names gets the common address, secret and both roles', () => {
  const { components } = readGatewayConfig(env('push.localhost, gw.localhost'));
  expect(components).toEqual(
    ['push.localhost', 'gw.localhost'].map((name) => ({
      name,
      service: 'xmpp://127.0.0.1:5347',
      secret: 's3cr3t',
      roles: ['app-server', 'xmpp-server'],
      stream: 'shared',
    })),
  );
});

it('JSON gives each component what it needs', () => {
  const { components } = readGatewayConfig(
    env(
      '[{"name":"push.a","roles":["app-server"]},{"name":"gw.b","service":"xmpp://b:1","secret":"x","stream":"exclusive"}]',
    ),
  );
  expect(components).toMatchObject([
    { name: 'push.a', roles: ['app-server'], secret: 's3cr3t' },
    { name: 'gw.b', service: 'xmpp://b:1', secret: 'x', stream: 'exclusive' },
  ]);
});

it.each([
  ['[{"name":', 'begins like JSON, and is not'],
  ['[]', ''],
  ['[{"nam":"x"}]', ''],
  ['[{"name":"x","roles":["king"]}]', '/0/roles/0'],
  ['a,A', 'twice'],
  ['a b', 'not a domain name'],
])('%s is refused, with the place', (components, why) => {
  expect(() => readGatewayConfig(env(components))).toThrow(new RegExp(`XMPP_COMPONENTS: .*${why}`));
});
