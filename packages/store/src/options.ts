import { DEFAULT_DELAY_LEVELS, delayLevelProblem } from './message/delay-levels.ts'
import { defaultsOf, flag, int, oneOf, text } from '@skylarkmq/protocol'
import type { ConfigOf, OptionTable } from '@skylarkmq/protocol'
import type { HostAddress } from './message/message.ts'
import { ignoredStoreOptions } from './options-ignored.ts'

const MAX_INT = 0x7fffffff

const storePaths = {
  storePathRootDir: text({
    default: '',
    doc: 'Root directory of the store; everything is below it unless another option sets its path.',
    differs: 'Apache takes the directory store in the home of the user; here the program decides.',
  }),
  storePathCommitLog: text({
    default: '',
    doc: 'Directory of the commit log; empty for commitlog below the root.',
  }),
  storePathConsumeQueue: text({
    isQuiet: true,
    default: '',
    doc: 'Directory of the consume queues; empty for consumequeue below the root.',
  }),
  storePathIndex: text({
    isQuiet: true,
    default: '',
    doc: 'Directory of the index; empty for index below the root.',
  }),
  storeCheckpoint: text({
    isQuiet: true,
    default: '',
    doc: 'Path of the checkpoint file; empty for checkpoint below the root.',
  }),
  abortFile: text({
    isQuiet: true,
    default: '',
    doc: 'Path of the file that exists while the store runs; empty for abort below the root.',
  }),
} satisfies OptionTable

const fileSizes = {
  mappedFileSizeCommitLog: int({
    default: 1024 ** 3,
    min: 1024,
    max: MAX_INT,
    unit: 'bytes',
    doc: 'Size of one commit log file. The size of existing files takes precedence.',
  }),
  mappedFileSizeConsumeQueue: int({
    default: 300_000 * 20,
    min: 20,
    max: MAX_INT,
    unit: 'bytes',
    doc: 'Size of one consume queue file, rounded up to whole units of 20 bytes. The size of existing files takes precedence.',
  }),
  mapperFileSizeBatchConsumeQueue: int({
    default: 300_000 * 46,
    min: 46,
    max: MAX_INT,
    unit: 'bytes',
    doc: 'Size of one file of a queue of batches (BatchCQ), rounded up to whole units of 46 bytes. The size of existing files takes precedence.',
  }),
  maxHashSlotNum: int({
    default: 5_000_000,
    min: 1,
    max: 100_000_000,
    doc: 'Hash slots of one index file.',
  }),
  maxIndexNum: int({
    default: 20_000_000,
    min: 2,
    max: 100_000_000,
    doc: 'Entries of one index file, of which the first is unused.',
  }),
} satisfies OptionTable

const flushing = {
  flushDiskType: oneOf(['ASYNC_FLUSH', 'SYNC_FLUSH'], {
    default: 'ASYNC_FLUSH',
    doc: 'Whether a send waits until its message is on disk.',
  }),
  flushIntervalCommitLog: int({
    default: 500,
    min: 1,
    unit: 'ms',
    doc: 'Interval of syncing the commit log under ASYNC_FLUSH.',
  }),
  flushConsumeQueueThoroughInterval: int({
    default: 60_000,
    min: 100,
    unit: 'ms',
    doc: 'Longest time between two checkpoints. With few queues it is one second.',
  }),
  syncFlushTimeout: int({
    default: 5000,
    min: 1,
    unit: 'ms',
    applies: 'live',
    doc: 'How long a send waits for the disk under SYNC_FLUSH before it returns FLUSH_DISK_TIMEOUT.',
  }),
  osPageCacheBusyTimeOutMills: int({
    default: 1000,
    min: 1,
    unit: 'ms',
    applies: 'live',
    doc: 'Sends are refused as «broker busy» while a sync under SYNC_FLUSH takes longer than this, and right after anything else that blocked the broker for longer.',
  }),
  checkCRCOnRecover: flag({
    default: true,
    doc: 'Whether the CRC of each body is checked when the log is read at the start.',
  }),
} satisfies OptionTable

const retention = {
  deleteWhen: text({
    default: '04',
    applies: 'live',
    doc: 'Hours of local time in which expired files are deleted, separated by semicolons.',
  }),
  fileReservedTime: int({
    default: 72,
    min: 0,
    unit: 'h',
    applies: 'live',
    doc: 'Age since its last write from which a commit log file may be deleted.',
  }),
  cleanResourceInterval: int({
    default: 10_000,
    min: 100,
    unit: 'ms',
    doc: 'Interval of checking for files to delete and of measuring disk use.',
  }),
  deleteCommitLogFilesInterval: int({
    default: 100,
    min: 0,
    unit: 'ms',
    applies: 'live',
    doc: 'Pause between deletions of two commit log files.',
  }),
  deleteFileBatchMax: int({
    default: 10,
    min: 1,
    applies: 'live',
    doc: 'Most commit log files that one check deletes.',
  }),
  diskMaxUsedSpaceRatio: int({
    default: 75,
    min: 10,
    max: 95,
    outside: 'clamp',
    unit: '%',
    applies: 'live',
    doc: 'Disk use from which expired files are deleted at any hour.',
  }),
  diskSpaceCleanForciblyRatio: int({
    default: 85,
    min: 30,
    max: 85,
    outside: 'clamp',
    unit: '%',
    applies: 'live',
    doc: 'Disk use from which the oldest files are deleted whatever their age.',
  }),
  diskSpaceWarningLevelRatio: int({
    default: 90,
    min: 35,
    max: 90,
    outside: 'clamp',
    unit: '%',
    applies: 'live',
    doc: 'Disk use from which messages are refused.',
  }),
  cleanFileForciblyEnable: flag({
    default: true,
    applies: 'live',
    doc: 'Whether `diskSpaceCleanForciblyRatio` has effect.',
  }),
  redeleteHangedFileInterval: int({
    default: 120_000,
    min: 1,
    unit: 'ms',
    doc: 'Interval of retries when the first file could not be deleted.',
  }),
} satisfies OptionTable

const reading = {
  maxFilterMessageSize: int({
    default: 16_000,
    min: 20,
    unit: 'bytes',
    applies: 'live',
    doc: 'Most bytes of consume queue that one read scans, unless it asks for more messages.',
  }),
  maxTransferBytesOnMessageInMemory: int({
    default: 256 * 1024,
    min: 1,
    unit: 'bytes',
    applies: 'live',
    doc: 'Most bytes that one read returns of messages in memory.',
  }),
  maxTransferCountOnMessageInMemory: int({
    default: 32,
    min: 1,
    applies: 'live',
    doc: 'Most messages in memory that one read returns.',
  }),
  maxTransferBytesOnMessageInDisk: int({
    default: 64 * 1024,
    min: 1,
    unit: 'bytes',
    applies: 'live',
    doc: 'Most bytes that one read returns of messages on disk.',
  }),
  maxTransferCountOnMessageInDisk: int({
    default: 8,
    min: 1,
    applies: 'live',
    doc: 'Most messages on disk that one read returns.',
  }),
  accessMessageInMemoryMaxRatio: int({
    default: 40,
    min: 0,
    max: 100,
    unit: '%',
    applies: 'live',
    doc: 'Share of host memory that is assumed to hold the end of the log.',
  }),
  accessMessageInMemoryHotRatio: int({
    default: 26,
    min: 0,
    max: 100,
    unit: '%',
    applies: 'live',
    doc: 'Messages that are further behind the end of the log than this share of host memory are cold.',
  }),
  coldDataFlowControlEnable: flag({
    default: false,
    applies: 'live',
    doc: 'Limits how much each group reads of cold messages.',
  }),
  dataReadAheadEnable: flag({
    default: true,
    applies: 'live',
    doc: 'Accepted for SET_COMMITLOG_READ_MODE; has no effect, because the log is not mapped.',
  }),
  messageIndexEnable: flag({
    default: true,
    doc: 'Whether messages can be found by key.',
  }),
  messageIndexSafe: flag({
    default: false,
    doc: 'Whether a start after a kill of another broker reads the log as far back as the index needs.',
  }),
  maxMsgsNumBatch: int({
    default: 64,
    min: 1,
    applies: 'live',
    doc: 'Most messages that one query by key returns.',
  }),
  defaultQueryMaxNum: int({
    default: 32,
    min: 1,
    applies: 'live',
    doc: 'Messages that a query by key returns by default.',
  }),
} satisfies OptionTable

const writing = {
  maxMessageSize: int({
    default: 4 * 1024 * 1024,
    min: 1,
    unit: 'bytes',
    applies: 'live',
    doc: 'Size of the longest body that is accepted.',
  }),
  autoMessageVersionOnTopicLen: flag({
    default: true,
    doc: 'Whether a topic of more than 127 bytes is stored as a record of version 2, which brokers and clients of 4.9 cannot read.',
  }),
  enableLmq: flag({
    default: false,
    doc: 'Enables light message queues (`%LMQ%…`), which need no topic; offsets are then stored in lmqConsumerOffset.json.',
  }),
  enableMultiDispatch: flag({
    default: false,
    doc: 'Whether a message also goes into the light message queues that its property INNER_MULTI_DISPATCH names, separated by commas. Requires enableLmq.',
  }),
  messageDelayLevel: text({
    default: DEFAULT_DELAY_LEVELS,
    problem: delayLevelProblem,
    doc: 'Delay of each level, from level 1 on: a number and s, m, h or d.',
  }),
  brokerRole: oneOf(['ASYNC_MASTER', 'SYNC_MASTER', 'SLAVE'], {
    default: 'ASYNC_MASTER',
    doc: 'Whether the broker takes messages, and whether a send waits for a slave. A slave refuses messages.',
  }),
} satisfies OptionTable

const timers = {
  timerWheelEnable: flag({
    default: true,
    doc: 'Enables timer messages, which are delivered at a given time. Without it they are refused.',
  }),
  timerPrecisionMs: int({
    default: 1000,
    min: 100,
    max: 1000,
    outside: 'clamp',
    unit: 'ms',
    doc: 'Length of a slot of the wheel: 100, 200, 500 or 1000; other values are rounded down. Change it only while no timer message is waiting.',
  }),
  timerMaxDelaySec: int({
    default: 3600 * 24 * 3,
    min: 0,
    unit: 's',
    applies: 'live',
    doc: 'Longest delay of a timer message.',
  }),
  timerRollWindowSlot: int({
    default: 3600 * 24 * 2,
    doc: 'A message that waits for more slots than this is rolled: enqueued again in between.',
  }),
  timerFlushIntervalMs: int({
    default: 1000,
    min: 10,
    unit: 'ms',
    doc: 'Interval of syncing the wheel.',
  }),
  mappedFileSizeTimerLog: int({
    default: 100 * 1024 * 1024,
    min: 1024,
    max: MAX_INT,
    unit: 'bytes',
    doc: 'Size of one file of the timer log. The size of existing files takes precedence.',
  }),
  timerCongestNumEachSlot: int({
    default: MAX_INT,
    min: 0,
    applies: 'live',
    doc: 'From this number of messages in one slot, more and more are refused; from twice the number, all.',
  }),
  timerStopEnqueue: flag({
    default: false,
    applies: 'live',
    doc: 'Pauses putting new messages into the wheel.',
  }),
  timerStopDequeue: flag({
    default: false,
    applies: 'live',
    doc: 'Pauses the delivery of due messages.',
  }),
} satisfies OptionTable

const ours = {
  logTailMemoryBytes: int({
    isQuiet: true,
    default: 16 * 1024 * 1024,
    min: 64 * 1024,
    max: 1024 ** 3,
    unit: 'bytes',
    doc: "Skylark's own: how much of the end of the log is kept in memory.",
  }),
  readCacheMemoryBytes: int({
    isQuiet: true,
    default: 16 * 1024 * 1024,
    min: 256 * 1024,
    max: 1024 ** 3,
    unit: 'bytes',
    doc: "Skylark's own: size of the cache for parts of the log that were read from disk.",
  }),
  maxOpenQueueFiles: int({
    isQuiet: true,
    default: 256,
    min: 4,
    max: 100_000,
    doc: "Skylark's own: most consume queue files open at once.",
  }),
} satisfies OptionTable

/**
 * The options of a broker's configuration that belong to the store: Apache's names, defaults and bounds.
 * Apache: `MessageStoreConfig.java`.
 */
export const storeOptions = {
  ...storePaths,
  ...fileSizes,
  ...flushing,
  ...retention,
  ...reading,
  ...writing,
  ...timers,
  ...ours,
  ...ignoredStoreOptions,
}

/** The configuration of a store: the values of `storeOptions`, and facts of the host. */
export interface StoreConfig extends ConfigOf<typeof storeOptions> {
  /** The host that new records state, until `setStoreHost`. */
  storeHost: HostAddress
  /** Memory of the host in bytes, of which a share holds the end of the log. */
  physicalMemoryBytes: number
  /** Written into the abort file, as Apache does. */
  processId: number
}

/** The defaults of all options, for a store in `rootDirectory`. */
export function defaultStoreConfig(rootDirectory: string): StoreConfig {
  return {
    ...defaultsOf(storeOptions),
    storePathRootDir: rootDirectory,
    storeHost: { address: Uint8Array.of(127, 0, 0, 1), port: 10911 },
    physicalMemoryBytes: 8 * 1024 ** 3,
    processId: 0,
  }
}

/** Whether messages go into light message queues. */
export function hasLightQueues(config: StoreConfig): boolean {
  return config.enableLmq && config.enableMultiDispatch
}
