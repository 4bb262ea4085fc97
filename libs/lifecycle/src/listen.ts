/** The address that was configured cannot be listened on: no crash, but for the operator to put right. In one line. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

type Address = {
  readonly host: string;
  readonly port: number;
  /** The variables that say so. */
  readonly variables: readonly [host: string, port: string];
};

const whys: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'another program, or this one under another variable, listens there; choose another port, or stop that program',
  EACCES: 'it is not allowed; choose a port above 1023',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no host of that name',
};

/**
 * @param listen begins to listen, of `node:net` or something on top of it
 * @throws {ListenError} when the address is at fault
 */
export const listenOn = async ({ host, port, variables }: Address, listen: () => Promise<unknown>): Promise<void> => {
  try {
    await listen();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const why = whys[code];
    if (why === undefined) throw error;
    throw new ListenError(`${variables.join(', ')}: cannot listen on ${host} port ${port} (${code}): ${why}`);
  }
};
