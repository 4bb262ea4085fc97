import { describeMesh } from './describe-mesh.ts';

// ejabberd drops a registration on the first error that is not `wait`.
describeMesh('ejabberd', 1);
