/** The configured address cannot be listened on: not a crash, but an error for the operator to fix. Its message is one line. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

type Address = {
  readonly host: string;
  readonly port: number;
  /** The variables that configure it. */
  readonly variables: readonly [host: string, port: string];
};

const whys: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'another program, or this one under another variable, listens there; choose another port, or stop that program',
  EACCES: 'permission denied; choose a port above 1023',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no host with that name',
  EAI_AGAIN: 'the host name cannot be resolved; use an address, or fix DNS',
};

/**
 * Calls `listen`, and explains its failure in the operator's terms.
 *
 * @param address the address that `listen` listens on, or all of them
 * @param listen of `node:net`, or of a server built on it
 * @throws {ListenError} if an address is at fault; any other error as it is
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
    // Node names the port if that is to blame.
    const { host, port, variables } = others.find((each) => each.port === refused) ?? first;
    throw new ListenError(`${variables.join(', ')}: cannot listen on ${host} port ${port} (${code}): ${why}`);
  }
};
