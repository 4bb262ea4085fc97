import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { startFakes } from '../../../../libs/fakes/src/start-fakes.ts';
import { createPhones } from '../../../../libs/fakes/src/phones.ts';
import type { Received } from '../../../../libs/fakes/src/received.ts';
import type { Asked, Bounds, Question, Said } from './fakes-thread.ts';

// The thread of the sandbox: the fakes, and the phones with what arrived for them. It begins when it is loaded.

const port = parentPort as MessagePort;
const say = (message: Said): void => port.postMessage(message);
let evicted = 0;
let listening = false;
let count = 0;

const phones = createPhones<Received>(workerData as Bounds, (forgotten) => {
  if (evicted === 0) setImmediate(tellEvicted);
  evicted += forgotten;
});
const tellEvicted = () => {
  say({ type: 'evicted', count: evicted });
  evicted = 0;
};

const fakes = await startFakes({
  projects: { 'sandbox-prod': 'prod', 'sandbox-dev': 'dev' },
  onReceived: (decoded, answer) => {
    if (answer !== 'accept') return;
    const received = { id: ++count, ...decoded };
    phones.keep(received);
    if (listening) say({ type: 'received', received });
  },
});

const answer = (question: Question): Asked[Question['type']] => {
  switch (question.type) {
    case 'known':
      return fakes.known;
    case 'phones':
      return phones.list();
    case 'phone':
      return phones.of(question.deviceId);
    case 'subscribe':
      return fakes.webPush.subscribe(question.deviceId);
    case 'faults':
      return fakes.faults.list();
    case 'play':
      return fakes.faults.set(question.faults);
    case 'listen':
      listening = question.on;
      return undefined;
    case 'hurry':
      return fakes.hurry();
  }
};
port.on('message', ({ id, question }: { id: number; question: Question }) =>
  say({ type: 'answer', id, answer: answer(question) }),
);
