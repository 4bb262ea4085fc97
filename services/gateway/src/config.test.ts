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
  ['[{"name":', 'begins like JSON, but ends too early; such a list is '],
  ['[{"name":"a","secret":hunter2}]', 'begins like JSON, but is not JSON from character 23 on; such a list is '],
  ["[{'name':'a'}]", 'is not JSON from character 3 on'],
  ['{"name":"a"}', 'the list must be array'],
  ['[]', 'the list must not have fewer than 1 items; such a list is '],
  ['[{"nam":"x"}]', 'entry 1 must have required properties name; entry 1 has nam, which is unknown'],
  ['[{"name":"a"},{"name":"x","roles":["king"]}]', 'entry 2/roles/0 must be one of app-server, xmpp-server'],
  ['[{"name":"a","service":"xmpp://hunter2@b"}]', 'the service of entry 1 has credentials in it'],
  ['a,A', 'entry 2 names a component twice'],
  ['a,hunter2@b', 'the name of entry 2 is not a domain name'],
  ['a b', 'the name of entry 1 is not a domain name'],
])('%s is refused with the place of the error, and not quoted', (components, why) => {
  const read = () => readGatewayConfig(env(components));
  expect(read).toThrow(`XMPP_COMPONENTS: ${why.startsWith('is') ? 'begins like JSON, but ' : ''}${why}`);
  expect(read).toThrow('for example XMPP_COMPONENTS=push.example.org');
  expect(read).not.toThrow('hunter2');
});

it('asks for the common secret only if a component has no secret of its own', () => {
  const own = '{"name":"push.a","secret":"x"}';
  expect(readGatewayConfig({ XMPP_COMPONENTS: `[${own}]` }).components).toMatchObject([{ secret: 'x' }]);
  for (const [components, why] of [
    [`[${own},{"name":"gw.b"}]`, 'is not set, and gw.b has no secret of its own; it is '],
    ['push.a', 'is not set, and push.a has no secret of its own; it is '],
    [undefined, 'is not set; it is '],
  ])
    expect(() => readGatewayConfig({ XMPP_COMPONENTS: components })).toThrow(`XMPP_COMPONENT_SECRET: ${why}`);
});

it('reports every problem at once', () => {
  const read = () =>
    readGatewayConfig({ XMPP_COMPONENTS: '[]', XMPP_SERVICE: 'b:5347', XMPP_STREAM: 'x', OPS_PORT: 'x' });
  for (const variable of ['XMPP_COMPONENTS', 'XMPP_COMPONENT_SECRET', 'XMPP_SERVICE', 'XMPP_STREAM', 'OPS_PORT'])
    expect(read).toThrow(`${variable}: `);
});

it('refuses a misspelt variable, and ignores those that Kubernetes sets for a service called xmpp', () => {
  const ofKubernetes = {
    XMPP_SERVICE_HOST: '10.0.0.1',
    XMPP_SERVICE_PORT: '5347',
    XMPP_SERVICE_PORT_COMPONENT: '5347',
    XMPP_PORT: 'tcp://10.0.0.1:5347',
    XMPP_PORT_5347_TCP: 'tcp://10.0.0.1:5347',
    XMPP_PORT_5347_TCP_ADDR: '10.0.0.1',
    XMPP_PORT_5347_TCP_PORT: '5347',
    XMPP_PORT_5347_TCP_PROTO: 'tcp',
  };
  const parts = { XMPP_HOST: 'b', XMPP_DOMAIN: 'example.org', XMPP_SECRET: 's' };
  expect(readGatewayConfig({ ...env('a'), ...ofKubernetes, ...parts }).XMPP_SERVICE).toBe('xmpp://127.0.0.1:5347');
  const slip = () => readGatewayConfig({ ...env('a'), ...ofKubernetes, XMPP_STREEM: 'exclusive' });
  expect(slip).toThrow(/^[^\n]+\n  XMPP_STREEM: is unknown; did you mean XMPP_STREAM\?[^\n]*$/);
});

it.each([
  ['xmpp://u:hunter2@b:5347', 'has credentials in it: .* XMPP_COMPONENT_SECRET_FILE'],
  ['b:5347', 'has no scheme; expected an address that begins with xmpp://'],
  ['xmpp://b/5347', 'has more than host and port'],
])('refuses %s as the address of a component port', (service, why) => {
  expect(() => readGatewayConfig({ ...env('a'), XMPP_SERVICE: service })).toThrow(
    new RegExp(`XMPP_SERVICE: (?!.*hunter2).*${why}`),
  );
});
