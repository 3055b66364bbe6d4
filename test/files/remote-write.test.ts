import { describe } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { createRemoteTree } from '../../agent/files/remote-tree.ts';
import { writableTreeConformance } from '../conformance/writable-tree.ts';
import { AnnasShare, annaId } from './files-support.ts';

describe("a neighbour's share", () => {
  writableTreeConformance('that may be changed', async (scope) => {
    const anna = await AnnasShare.open(scope, { rights: 'write' });
    return {
      folder: anna.folder,
      tree: createRemoteTree({ neighbours: anna.neighbours, clock: systemClock }, annaId, anna.share),
    };
  });
});
