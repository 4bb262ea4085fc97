import { describe } from 'vitest';
import { describeFailures } from './failure-tests.ts';
import { useMesh } from './mesh-fixture.ts';
import type { MeshFixtureOptions } from './mesh-fixture.ts';
import { describeRegistration } from './registration-tests.ts';
import { describeWireAnswers } from './wire-answer-tests.ts';

/** What must hold with every XMPP server, on a mesh of its own: real servers, all four services as processes. */
export const describeMesh = (options: MeshFixtureOptions): void => {
  describe(`the mesh with ${options.server}`, () => {
    const fixture = useMesh(options);
    describeRegistration(fixture);
    describeWireAnswers(fixture);
    describeFailures(fixture);
  });
};
