import type { Problem } from '@pushmesh/config';
import type { ProviderValues } from './read-settings.ts';
import { providerModules, variablesOfModules } from './registry.ts';
import type { RegisteredModule } from './registry.ts';
import { setVariables } from './settings/set-variables.ts';
import type { Unused } from './settings/set-variables.ts';

/**
 * What is wrong when no provider is enabled: whoever has credentials means to reach phones, but the sandbox would answer 200
 * and reach none.
 */
export const problemsOfUnusedCredentials = (values: ProviderValues, env: NodeJS.ProcessEnv): readonly Problem[] => {
  const unused = providerModules.flatMap(({ variables, credentialVariables, enabledBy }) =>
    setVariables(variables, values, credentialVariables).map((variable) => ({
      variable,
      why: `is set, but ${enabledBy} is not true: set that to true, or remove this variable`,
    })),
  );
  if (env['PUSH_POOLS_FILE'] !== '') return unused;
  return [...unused, { variable: 'PUSH_POOLS_FILE', why: 'is empty: name a file, or remove it' }];
};

/**
 * Variables without effect beside the enabled providers. Not an error, because another provider may be in preparation,
 * but rarely intended.
 */
export const unusedVariables = (values: ProviderValues): readonly Unused[] => {
  const hasPoolsFile = values.PUSH_POOLS_FILE !== undefined;
  const isInFile = ({ poolsFile }: RegisteredModule) => hasPoolsFile && poolsFile !== undefined;
  const isEnabled = ({ enabledBy }: RegisteredModule) => values[enabledBy] === true;
  return [
    besidePoolsFile(providerModules.filter(isInFile), values),
    ...providerModules
      .filter((module) => !isInFile(module) && !isEnabled(module))
      .map(({ variables, credentialVariables, enabledBy }) => ({
        variables: setVariables(variables, values, credentialVariables),
        why: `${enabledBy} is not true: set it to true, or remove them`,
      })),
    ...providerModules.filter(isEnabled).flatMap((module) => module.unusedVariables?.(values) ?? []),
  ].filter(({ variables }) => variables.length > 0);
};

/** What the variables of these modules say, the pools file says for each pool. */
const besidePoolsFile = (modules: readonly RegisteredModule[], values: ProviderValues): Unused => {
  const names = modules.flatMap(({ variables, enabledBy }) =>
    Object.keys(variables).filter((variable) => variable !== enabledBy),
  );
  return {
    variables: setVariables(variablesOfModules, values, names),
    why: 'PUSH_POOLS_FILE is set: move them to a pool in that file, or remove them',
  };
};
