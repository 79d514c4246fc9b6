import type { StoreConfig } from '../options.ts'

/** The paths of a store's parts. */
export interface StorePaths {
  readonly root: string
  readonly commitLog: string
  readonly consumeQueue: string
  /** Queues of topics that store a batch as one record. */
  readonly batchConsumeQueue: string
  readonly index: string
  readonly checkpoint: string
  readonly abort: string
}

/** The options that are paths. */
export type StorePathConfig = Pick<
  StoreConfig,
  | 'storePathRootDir'
  | 'storePathCommitLog'
  | 'storePathConsumeQueue'
  | 'storePathIndex'
  | 'storeCheckpoint'
  | 'abortFile'
>

/** The paths of a store's parts, by its configuration. Apache: `StorePathConfigHelper.java`. */
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
