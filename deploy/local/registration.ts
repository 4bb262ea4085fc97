import type { Element } from 'ltx';
import type { Client } from './client.ts';

/** Something that may be registered. */
export type Registration = {
  /** In words. */
  readonly what: string;
  readonly to: string | undefined;
  /** The payload of the request that takes it away. */
  readonly takeAway: () => Element;
};

/** Takes each of them away, whatever becomes of the others. Gives back what may be left, and why. */
export const takeAway = async (
  { iq }: Pick<Client, 'iq'>,
  registrations: readonly Registration[],
): Promise<readonly string[]> => {
  const left: string[] = [];
  for (const registration of registrations) {
    const why = await iq('set', registration.to, registration.takeAway()).then(
      refusalIn,
      (error: Error) => error.message,
    );
    if (why !== undefined) left.push(`${registration.what}: ${why}`);
  }
  return left;
};

/** What is not there is gone. */
const refusalIn = (reply: Element): string | undefined => {
  const isGone = reply.attrs['type'] === 'result' || reply.getChild('error')?.getChild('item-not-found');
  return isGone ? undefined : reply.toString();
};
