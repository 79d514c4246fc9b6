import type { StoreConfig } from '../options.ts'

/** Where the parts of a store are. */
export interface StorePaths {
  readonly root: string
  readonly commitLog: string
  readonly consumeQueue: string
  /** Queues of topics whose batches are one record each. */
  readonly batchConsumeQueue: string
  readonly index: string
  readonly checkpoint: string
  readonly abort: string
}

/** The keys of a configuration that say where things are. */
export type StorePathConfig = Pick<
  StoreConfig,
  | 'storePathRootDir'
  | 'storePathCommitLog'
  | 'storePathConsumeQueue'
  | 'storePathIndex'
  | 'storeCheckpoint'
  | 'abortFile'
>

/** Where the parts of a store are, by its configuration. Apache: `StorePathConfigHelper.java`. */
export function storePaths(config: StorePathConfig): StorePaths {
  const root = config.storePathRootDir
  const below = (key: string, name: string): string => (key === '' ? `${root}/${name}` : key)
  return {
    root,
    commitLog: below(config.storePathCommitLog, 'commitlog'),
    consumeQueue: below(config.storePathConsumeQueue, 'consumequeue'),
    batchConsumeQueue: `${root}/batchconsumequeue`,
    index: below(config.storePathIndex, 'index'),
    checkpoint: below(config.storeCheckpoint, 'checkpoint'),
    abort: below(config.abortFile, 'abort'),
  }
}
