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
  EAI_AGAIN: 'the name of the host cannot be looked up; choose an address, or mend DNS',
};

/**
 * @param address where `listen` begins to listen, or all those places
 * @param listen of `node:net` or something on top of it
 * @throws {ListenError} when an address is at fault
 */
export const listenOn = async <T>(
  address: Address | readonly [Address, ...Address[]],
  listen: () => Promise<T>,
): Promise<T> => {
  try {
    return await listen();
  } catch (error) {
    const { code = '', port: refused } = error as NodeJS.ErrnoException & { port?: number };
    const why = whys[code];
    if (why === undefined) throw error;
    const [first, ...others] = 'host' in address ? [address] : address;
    // Node tells the port, where that is to blame.
    const { host, port, variables } = others.find((each) => each.port === refused) ?? first;
    throw new ListenError(`${variables.join(', ')}: cannot listen on ${host} port ${port} (${code}): ${why}`);
  }
};
