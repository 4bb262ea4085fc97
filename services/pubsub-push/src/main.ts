import { busOptionsOf, createBus } from '@pushmesh/bus';
import { orExit } from '@pushmesh/config';
import { durables, messages } from '@pushmesh/contracts';
import { runService } from '@pushmesh/lifecycle';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { connectRedis } from './adapters/redis/connection.ts';
import { createNodeStore } from './adapters/redis/node-store.ts';
import { createRegistrationStore } from './adapters/redis/registration-store.ts';
import { readPubsubPushConfig } from './config.ts';
import { createCommands } from './flow/command.ts';
import { createFeedback } from './flow/feedback.ts';
import { createVerify } from './flow/verify.ts';
import { answerSafely, retryWhenUnavailable } from './flow/unavailable.ts';
import { pubsubPushMetrics } from './metrics.ts';

// configuration
const config = orExit(readPubsubPushConfig);
const log = createLog('pubsub-push', config.LOG_LEVEL);
const metrics = createMetrics('pubsub-push');
const measure = metrics.add(pubsubPushMetrics);

// edges
const bus = createBus(busOptionsOf('pubsub-push', config), log, metrics);
const redis = connectRedis({
  url: config.REDIS_URL,
  timeoutMs: config.REDIS_TIMEOUT_MS,
  log,
  onState: (up) => measure.storeUp.set(up ? 1 : 0),
});
const nodes = createNodeStore(redis, config.REDIS_KEY_PREFIX);
const registrations = createRegistrationStore(redis, config.REDIS_KEY_PREFIX);

// flows
const commands = createCommands({ nodes, registrations, clock: Date.now }, config);
const feedback = createFeedback({
  nodes,
  retiredKeptMs: config.RETIRED_KEPT_SECONDS * 1_000,
  onFeedback: (decision) => measure.feedback.inc({ decision }),
});
const verify = createVerify({
  authorise: (command) => commands('authorise-publish', command),
  bus,
  clock: Date.now,
  log,
  onVerified: (verdict) => measure.verified.inc({ verdict }),
});

// wiring
bus.respond(answerSafely(commands, log, measure), config.MAX_COMMANDS_IN_FLIGHT);
bus.consume({
  durable: durables.feedback,
  message: messages.result,
  concurrency: config.CONCURRENCY,
  handle: retryWhenUnavailable(feedback, log),
});
bus.consume({
  durable: durables.verify,
  message: messages.unverifiedPublish,
  concurrency: config.CONCURRENCY,
  handle: retryWhenUnavailable(verify, log),
});

// lifecycle
await runService({ log, metrics, config, resources: [redis, bus] });
