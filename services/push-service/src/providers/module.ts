import type { Problem } from '@pushmesh/config';
import type { PushService } from '@pushmesh/contracts';
import type { Log } from '@pushmesh/telemetry';
import type { TProperties } from 'typebox';
import type { PushServiceMetrics } from '../metrics.ts';
import type { Provider } from '../push/provider.ts';
import type { Finding, TriedOut } from './credentials/finding.ts';
import type { Loaded } from './credentials/loaded.ts';
import type { PoolsFileSection } from './settings/pools-file.ts';
import type { Unused } from './settings/set-variables.ts';

/**
 * What the configuration says about one pool, whichever provider it belongs to: it serves the pushes of one app or
 * project.
 */
export type PoolSettings = {
  readonly service: PushService;
  /** Unique; a label of metrics. */
  readonly name: string;
  /** A request with tags goes only to a pool that has all of them. */
  readonly tags: readonly string[];
  /** The credentials as they are now, or what is wrong with them. */
  readonly loaded: Loaded<unknown>;
};

/**
 * Everything that push-service has to know about a provider; `registry.ts` lists the modules.
 *
 * `Values` are the provider's own variables, `Settings` those of one of its pools. Functions that take `Settings` are
 * declared as methods, so that the registry can hold modules with different settings in one list (TypeScript compares
 * the parameters of methods both ways). What keeps this sound is `settings.service`: it names the module that made the
 * settings, and the registry hands them to no other.
 */
export type ProviderModule<Values = never, Settings extends PoolSettings = PoolSettings> = {
  readonly service: PushService;

  /** The provider's variables, in the order in which the reference prints them. */
  readonly variables: TProperties;
  /** The variable that switches the provider on. */
  readonly enabledBy: string;
  /** Name prefixes that are the provider's alone: a variable that starts so and is not known is a mistake. */
  readonly prefixes: readonly string[];
  /** Variables that hold or name credentials. Whoever sets one means to reach phones. */
  readonly credentialVariables: readonly string[];
  /** Variables that belong to the credentials: if their value comes from a file (`X_FILE`), it is read again with them. */
  readonly rereadVariables: readonly string[];
  /** The pools that the variables configure; called only when the provider is enabled. Adds to `problems` what is wrong. */
  readonly readPools: (values: Values, problems: Problem[]) => readonly Settings[];
  /** The provider's section of PUSH_POOLS_FILE; absent if only variables configure it. */
  readonly poolsFile?: PoolsFileSection<Settings>;
  /** Variables of an enabled provider that have no effect beside its others. */
  readonly unusedVariables?: (values: Values) => readonly Unused[];

  /** Called once, before there is any pool. */
  readonly createRuntime: (options: RuntimeOptions) => ProviderRuntime<Settings>;

  /** What a pool must keep while it works. */
  identityOf(settings: Settings): PoolIdentity;
  /** Which app or project, and where it is asked, for the report of check-credentials. */
  describe(settings: Settings): string;
  /** What a reason word of the provider says about our credentials, if anything. */
  readonly findingOfReason: (reason: string) => Finding | undefined;
  /** Reasons of `invalid_request` answers that only the operator can do something about, each with what to look at. */
  readonly operatorReasons: ReadonlyMap<string, string>;
};

export type RuntimeOptions = {
  /** Whether the provider's certificates are verified. */
  readonly verify: boolean;
  /** PEM of authorities to trust instead of Node's own: the fakes have one. */
  readonly ca?: string;
  /**
   * Milliseconds that a push has, from the call to the provider's whole answer: waiting for a stream or an access token
   * and a second attempt with new credentials are included. Callers wait longer, because a caller that gave up first
   * would send the push again. A request to the token endpoint, which serves all pushes at once, has the same time.
   */
  readonly timeoutMs: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
};

/** A provider at work. What must be one for all of its pools and tries (APNs: the token of a key) lives in here. */
export type ProviderRuntime<Settings extends PoolSettings = PoolSettings> = {
  createPool(settings: Settings, deps: PoolDeps): ProviderPool<Settings>;
  /** Asks the provider what it thinks of the pool's credentials, which could be read. Nothing reaches a device. */
  tryOut(settings: Settings): Promise<TriedOut>;
};

export type PoolDeps = { readonly log: Log; readonly metrics: PushServiceMetrics };

/** One pool at work: its providers, and what has to be opened, closed and swapped with them. */
export type ProviderPool<Settings extends PoolSettings = PoolSettings> = {
  /** As the pool was configured at start. */
  readonly settings: Settings;
  readonly providers: readonly Provider[];
  open(): void;
  /** Whether something of the provider has answered. */
  isKnown(): boolean;
  /** Switches to the credentials of these settings; absent if only a restart changes them. */
  swap?(next: Settings): void;
  /** Answers what it has until the deadline, in milliseconds. */
  close(deadlineMs: number): Promise<void>;
};

type Fields = Readonly<Record<string, string | number | undefined>>;

/** What distinguishes a pool from others, and the app of its credentials from other apps. */
export type PoolIdentity = {
  /** The app or project that the credentials belong to; nothing when they cannot be read. */
  readonly app: Fields;
  /** While this is set and stays the same, the provider itself refuses the credentials of another app. */
  readonly pinnedBy?: string | undefined;
  /** What only a restart changes, by its name in the pools file. */
  readonly fixed: Fields;
};
