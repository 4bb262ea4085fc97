// The entry point of the sandbox's thread: the fakes, and the phones with the notifications that arrived.
import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { createPhones, mistakeIn, readFault, startFakes } from '@pushmesh/fakes';
import type { Received } from '@pushmesh/fakes';
import type { Answers, Bounds, FromThread, Question } from './fakes-thread.ts';

const port = parentPort as MessagePort;
const send = (message: FromThread): void => port.postMessage(message);
let evicted = 0;
let isListening = false;
let count = 0;

const phones = createPhones<Received>(workerData as Bounds, (more) => {
  if (evicted === 0) setImmediate(reportEvicted);
  evicted += more;
});
const reportEvicted = () => {
  send({ type: 'evicted', count: evicted });
  evicted = 0;
};

const fakes = await startFakes({
  projects: { 'sandbox-prod': 'prod', 'sandbox-dev': 'dev' },
  onReceived: (decoded, answer) => {
    if (answer !== 'accept') return;
    const received = { id: ++count, ...decoded };
    phones.add(received);
    if (isListening) send({ type: 'received', received });
  },
});

const answer = (question: Question): Answers[Question['type']] => {
  switch (question.type) {
    case 'connection-details':
      return fakes.connectionDetails;
    case 'phones':
      return phones.list();
    case 'phone':
      return phones.of(question.deviceId);
    case 'mistake':
      return mistakeIn(question.deviceId);
    case 'subscribe':
      return fakes.webPush.subscribe(question.deviceId);
    case 'faults':
      return fakes.faults.list();
    case 'read-fault':
      return readFault(question.body);
    case 'set-faults':
      return fakes.faults.set(question.faults);
    case 'listen':
      isListening = question.on;
      return undefined;
    case 'end-delays':
      return fakes.endDelays();
  }
};
port.on('message', ({ id, question }: { id: number; question: Question }) =>
  send({ type: 'answer', id, answer: answer(question) }),
);
