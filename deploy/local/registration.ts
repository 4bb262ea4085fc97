import type { Element } from 'ltx';
import type { Client } from './client.ts';

/** Something that a client may have registered. */
export type Registration = {
  /** A description for humans. */
  readonly what: string;
  readonly to: string | undefined;
  /** The payload of the request that removes it. */
  readonly removal: () => Element;
};

/** Removes each registration, even if others fail. Returns what may be left, and why. */
export const removeAll = async (
  { iq }: Pick<Client, 'iq'>,
  registrations: readonly Registration[],
): Promise<readonly string[]> => {
  const left: string[] = [];
  for (const registration of registrations) {
    const why = await iq('set', registration.to, registration.removal()).then(
      refusalIn,
      (error: Error) => error.message,
    );
    if (why !== undefined) left.push(`${registration.what}: ${why}`);
  }
  return left;
};

/** An `item-not-found` counts as success: there is nothing left to remove. */
const refusalIn = (reply: Element): string | undefined => {
  const isGone = reply.attrs['type'] === 'result' || reply.getChild('error')?.getChild('item-not-found');
  return isGone ? undefined : reply.toString();
};
