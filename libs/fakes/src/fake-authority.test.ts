import { X509Certificate } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { createFakeAuthority } from './fake-authority.ts';

it('issues server certificates that are valid for their hosts only, and client certificates', async () => {
  const { ca, issue } = createFakeAuthority();
  const server = createServer({ ...issue('server'), ca, requestCert: true }, (socket) => {
    socket.end(socket.getPeerCertificate().subject.CN);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const talk = (servername: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', servername, ca, ...issue('a client', []) });
      socket.once('data', (data) => resolve(data.toString())).once('error', reject);
    });
  expect(await talk('localhost')).toBe('a client');
  expect(await talk('')).toBe('a client');
  await expect(talk('other.example')).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  await new Promise((resolve) => server.close(resolve));
});

it('is a different authority each time', () => {
  const one = createFakeAuthority();
  const other = new X509Certificate(createFakeAuthority().ca);
  const issued = new X509Certificate(one.issue('x').cert);
  expect(issued.verify(new X509Certificate(one.ca).publicKey)).toBe(true);
  expect(issued.verify(other.publicKey)).toBe(false);
});
