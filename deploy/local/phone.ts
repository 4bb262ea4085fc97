/** A notification that a sandbox phone received: the part that the demo and the tests look at. */
export type Notification = {
  readonly service: string;
  readonly mode: string;
  readonly title?: string;
  readonly body?: string;
  readonly badge?: number;
  readonly click_action?: string;
  readonly data?: Readonly<Record<string, unknown>>;
};

/** Fetches JSON; `undefined` for 404. */
const read = async <T>(url: string): Promise<T | undefined> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch((error: Error) => {
    throw new Error(`${url} does not answer (${error.message})`);
  });
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as T;
};

/** The faults that the sandbox simulates for all phones; `undefined` if push-service is not a sandbox. */
export const faultsOf = async (pushService: string): Promise<readonly object[] | undefined> =>
  (await read<{ faults: readonly object[] }>(`${pushService}/sandbox/fault`))?.faults;

/** The notifications that the phone with this token has received so far, in order. */
export const notificationsOf = async (pushService: string, deviceId: string): Promise<readonly Notification[]> => {
  const url = `${pushService}/sandbox/devices/${encodeURIComponent(deviceId)}`;
  const found = await read<{ notifications: readonly Notification[] }>(url);
  if (!found) throw new Error(`${url} does not exist: push-service is not a sandbox`);
  return found.notifications;
};

const pollMs = 50;
const waitMs = 15_000;
/** Servers batch for up to a second, so only two seconds without a push count as silence. */
const quietMs = 2_000;

/** Waits for the `count`th notification of this phone. */
export const waitForPush = async (pushService: string, deviceId: string, count: number): Promise<Notification> => {
  const giveUpAt = Date.now() + waitMs;
  while (Date.now() < giveUpAt) {
    const push = (await notificationsOf(pushService, deviceId))[count - 1];
    if (push) return push;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`the phone ${deviceId} did not receive push number ${count} within ${waitMs / 1000} s`);
};

/** Whether this phone, which has received `count` notifications, receives no more for a while. */
export const staysSilent = async (pushService: string, deviceId: string, count: number): Promise<boolean> => {
  await new Promise((resolve) => setTimeout(resolve, quietMs));
  return (await notificationsOf(pushService, deviceId)).length === count;
};
