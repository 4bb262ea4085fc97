/** What a sandbox phone got: the part that the demo and the tests look at. */
export type Notification = {
  readonly service: string;
  readonly mode: string;
  readonly title?: string;
  readonly body?: string;
  readonly badge?: number;
  readonly click_action?: string;
  readonly data?: Readonly<Record<string, unknown>>;
};

/** The JSON at this address; `undefined` where there is none. */
const read = async <T>(url: string): Promise<T | undefined> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch((error: Error) => {
    throw new Error(`${url} does not answer (${error.message})`);
  });
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as T;
};

/** What the sandbox plays whatever the phones; `undefined` where push-service is no sandbox. */
export const faultsOf = async (pushService: string): Promise<readonly object[] | undefined> =>
  (await read<{ faults: readonly object[] }>(`${pushService}/sandbox/fault`))?.faults;

/** What the phone with this token got so far, in order. */
export const notificationsOf = async (pushService: string, deviceId: string): Promise<readonly Notification[]> => {
  const url = `${pushService}/sandbox/devices/${encodeURIComponent(deviceId)}`;
  const found = await read<{ notifications: readonly Notification[] }>(url);
  if (!found) throw new Error(`${url} is not there: push-service is no sandbox`);
  return found.notifications;
};

const pollMs = 50;
const waitMs = 15_000;
/** Servers batch for up to a second, so silence is only believed after two. */
const quietMs = 2_000;

/** The `count`th notification of this phone, as soon as it is there. */
export const waitForPush = async (pushService: string, deviceId: string, count: number): Promise<Notification> => {
  const giveUpAt = Date.now() + waitMs;
  while (Date.now() < giveUpAt) {
    const push = (await notificationsOf(pushService, deviceId))[count - 1];
    if (push) return push;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`the phone ${deviceId} did not get push number ${count} within ${waitMs / 1000} s`);
};

/** Whether this phone has `count` notifications now and still no more a while later. */
export const expectNothing = async (pushService: string, deviceId: string, count: number): Promise<boolean> => {
  await new Promise((resolve) => setTimeout(resolve, quietMs));
  return (await notificationsOf(pushService, deviceId)).length === count;
};
