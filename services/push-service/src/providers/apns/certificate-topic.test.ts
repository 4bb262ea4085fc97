import { X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { createFakeAuthority } from '@pushmesh/fakes';
import { topicOf } from './certificate-topic.ts';

const { issue, issueForApns } = createFakeAuthority();

it.each([
  ['the first of its topics', issueForApns('com.example.app', ['com.example.chat', 'com.example.chat.voip'])],
  ['the user id of its subject', issueForApns('com.example.chat', [])],
  ['the user id, if the topic is not one', issueForApns('com.example.chat', ['com example\n'])],
])('finds %s', (_what, { cert }) => {
  expect(topicOf(new X509Certificate(cert))).toBe('com.example.chat');
});

it('finds none in a certificate that is not from Apple', () => {
  expect(topicOf(new X509Certificate(issue('UID=com.example.chat').cert))).toBeUndefined();
});

it('reads nothing from a truncated certificate, and survives any byte', () => {
  const { raw, subject } = new X509Certificate(issueForApns('com.example.app', ['com.example.chat']).cert);
  for (let length = 0; length < raw.length; length += 1)
    expect(topicOf({ raw: raw.subarray(0, length), subject })).toBe('com.example.app');
  for (const index of raw.keys())
    for (const byte of [0x00, 0x30, 0x80, 0x84, 0xff])
      expect(topicOf({ raw: Buffer.from(raw.with(index, byte)), subject })).toBeDefined();
});
