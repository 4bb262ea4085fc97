import { expect, it } from 'vitest';
import { answerAsApns } from './apns.ts';

// The mapping never makes these; a change of it that does shall be noticed.

const good = {
  path: '/3/device/TOK',
  headers: { 'apns-topic': 'com.example.app', 'apns-push-type': 'background', 'apns-priority': '5' },
  payload: { aps: { 'content-available': 1 } },
};
const withHeaders = (headers: Record<string, string>) => ({ ...good, headers: { ...good.headers, ...headers } });

it.each([
  ['MissingDeviceToken', { ...good, path: '/3/device/' }],
  ['MissingTopic', withHeaders({ 'apns-topic': '' })],
  ['InvalidPushType', withHeaders({ 'apns-push-type': 'constructor' })],
  ['TopicDisallowed', withHeaders({ 'apns-push-type': 'voip' })],
  ['BadPriority', withHeaders({ 'apns-priority': '10' })],
  ['BadPriority', withHeaders({ 'apns-push-type': 'alert', 'apns-priority': '7' })],
  ['BadExpirationDate', withHeaders({ 'apns-expiration': '-1' })],
  ['BadCollapseId', withHeaders({ 'apns-collapse-id': 'x'.repeat(65) })],
  ['PayloadEmpty', { ...good, payload: {} }],
])('answers %s', (reason, message) => {
  expect(JSON.parse(answerAsApns(message).body)).toEqual({ reason });
});

it('takes what is right', () => {
  expect(answerAsApns(good).status).toBe(200);
});
