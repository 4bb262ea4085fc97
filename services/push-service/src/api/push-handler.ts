import type { PushApiVersion } from '@pushmesh/contracts';
import { traceIdOf } from '@pushmesh/telemetry';
import type { Log } from '@pushmesh/telemetry';
import { toApiAnswer } from './api-answer.ts';
import type { ApiAnswer } from './api-answer.ts';
import type { Notification } from '../push/notification.ts';
import type { Push } from '../push/push.ts';
import type { PushServiceMetrics } from '../metrics.ts';

type Deps = {
  readonly push: Push;
  readonly log: Log;
  readonly metrics: Pick<PushServiceMetrics, 'requestSeconds'>;
};

/** Pushes one notification, and puts what came of it into the terms of that version of the API. */
export const createPushHandler =
  ({ push, log, metrics }: Deps) =>
  async (version: PushApiVersion, notification: Notification, traceparent: string | undefined): Promise<ApiAnswer> => {
    const stop = metrics.requestSeconds.startTimer({ version });
    const answer = await push(notification);
    const seconds = stop();
    const { service, mode } = notification;
    log.debug({
      event: 'push',
      traceId: traceIdOf(traceparent),
      version,
      service,
      mode,
      category: answer.category,
      seconds,
    });
    return toApiAnswer(version, answer);
  };

export type PushHandler = ReturnType<typeof createPushHandler>;
