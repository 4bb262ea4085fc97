import type { PushService } from '@pushmesh/contracts';
import type { Static, TObject } from 'typebox';
import { apnsModule } from './apns/module.ts';
import { fcmModule } from './fcm/module.ts';
import type { ProviderModule } from './module.ts';
import { webPushModule } from './web-push/module.ts';

/** One line a provider. A push service of libs/contracts without a module does not compile, nor does the reverse. */
const modules = {
  fcm: fcmModule,
  apns: apnsModule,
  webpush: webPushModule,
} satisfies { readonly [Service in PushService]: ProviderModule & { readonly service: Service } };

type Intersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** The variables of all providers. */
type Variables = Intersection<(typeof modules)[keyof typeof modules]['variables']>;
export type ModuleValues = Readonly<Record<string, unknown>> & Static<TObject<Variables>>;

export type RegisteredModule = ProviderModule<ModuleValues>;

/** Every provider, in the order in which the reference and check-credentials list them. */
export const providerModules: readonly RegisteredModule[] = Object.values(modules);

export const moduleOf = (service: PushService): RegisteredModule => modules[service];

export const variablesOfModules: Variables = Object.assign({}, ...providerModules.map(({ variables }) => variables));
