import assert from 'node:assert/strict'
import type { Disk } from '@skylarkmq/env'
import { checkStore } from '@skylarkmq/store-tools'
import type { StoreConfig } from '@skylarkmq/store'

/** Log, queues and index agree with each other on disk. */
export function checkStoreAgrees(disk: Disk, config: StoreConfig, when: string): void {
  const sizes = { slots: config.maxHashSlotNum, entries: config.maxIndexNum }
  const all = checkStore(disk, config.storePathRootDir, sizes)
  // A power cut may take its content; it is written with the next checkpoint, and means nothing until then.
  const isEmpty = disk.stat(`${config.storePathRootDir}/checkpoint`)?.sizeBytes === 0
  const problems = all.filter((problem) => !isEmpty || problem.where !== 'checkpoint')
  const shown = problems.slice(0, 5).map((problem) => `${problem.where}: ${problem.what}`)
  assert.deepEqual(shown, [], `${when}, the store has ${problems.length} problems`)
}
