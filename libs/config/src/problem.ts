/** The variables as the process has them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** One thing that is wrong with one variable; `why` never contains the value of a secret. */
export type Problem = { readonly variable: string; readonly why: string };
