import type { Disk } from '@skylarkmq/env'
import {
  MessageSysFlag,
  RecordAt,
  TIMER_TOPIC,
  crc32,
  readInt,
  recordSpans,
  recordStoreTimestamp,
  transactionState,
} from '@skylarkmq/protocol'
import type { RecordSpans } from '@skylarkmq/protocol'
import { defaultStoreConfig, delaysOfLevels, storePaths } from '@skylarkmq/store'
import type { StoreConfig } from '@skylarkmq/store'
import {
  checkpointLayout,
  listSegments,
  offsetOfSegmentName,
  readCheckpoint,
  timerPrecision,
} from '@skylarkmq/store/internals'
import type { CheckpointValues, IndexSizes, StorePaths } from '@skylarkmq/store/internals'
import { offsetsBehindEnd, readConfig, readQueues } from './config-check.ts'
import type { ConfigTables, OffsetBehindEnd } from './config-check.ts'
import { checkDirectory } from './directory-check.ts'
import { IndexCheck } from './index-check.ts'
import { walkLog } from './log-walk.ts'
import type { LogEnd, LogFile } from './log-walk.ts'
import { Findings } from './problem.ts'
import type { Problem } from './problem.ts'
import { QueueCheck } from './queue-check.ts'
import { checkTimers } from './timer-check.ts'

const FAST_FILES = 2
const CHECKPOINT_BYTES = 4096
const CRC_PROPERTY = Buffer.from('__CRC32#\x01')
const CRC_PROPERTY_BYTES = 20

/** Progress of a check, in bytes of the log. */
export interface CheckProgress {
  readonly doneBytes: number
  readonly totalBytes: number
}

/** Options of a check. */
export interface CheckOptions {
  /** Reads only the last two files of the log and what refers to them. */
  readonly isFast?: boolean
  readonly progress?: (progress: CheckProgress) => void
}

/** The result of a check. */
export interface CheckReport {
  /** Empty when all parts of the store are consistent. Only the first problems of each kind are listed. */
  readonly problems: readonly Problem[]
  /** The number of problems, including those not listed. */
  readonly problemCount: number
  /** Remarks that are not problems. */
  readonly notes: readonly string[]
  readonly summary: CheckSummary
  /** The first bytes of the log that are not a record; undefined when there are only zeros behind the end. */
  readonly damage: LogDamage | undefined
  /** Offsets of groups and delay levels behind the end of their queue. */
  readonly offsetsBehindEnd: readonly OffsetBehindEnd[]
}

/** Bytes of the log that are not a record. */
export interface LogDamage {
  readonly offset: number
  readonly reason: string
  /** Number of intact records behind them. */
  readonly recordsBehind: number
  /** End of the last non-zero byte of the log. */
  readonly usedEnd: number
}

/** What was checked. */
export interface CheckSummary {
  readonly logFiles: number
  readonly offsetMin: number
  /** End of the intact records. */
  readonly offsetMax: number
  readonly records: number
  readonly queues: number
  /** Units that name a message of the log. */
  readonly units: number
  readonly indexFiles: number
  readonly indexEntries: number
  /** Messages in the timer wheel. */
  readonly waiting: number
  /** Whether the last stop was clean. */
  readonly isClean: boolean
}

/**
 * Compares all parts of a store: intact records in files without gaps, a unit for each message and a message for each
 * unit, index entries and the keys of messages, checkpoint, and the tables of `config/`. Writes nothing, and its
 * memory does not grow with the log; the store must not be written meanwhile. Uses the paths, the sizes of index
 * files and the delay levels of the configuration. Throws the host's error.
 */
export function examineStore(
  disk: Disk,
  config: StoreConfig,
  options: CheckOptions = {},
): CheckReport {
  return new StoreCheck(disk, config, options).run()
}

/** The problems of a store in `directory` with default settings. `sizes` are those of its index files. */
export function checkStore(disk: Disk, directory: string, sizes?: IndexSizes): readonly Problem[] {
  const config = defaultStoreConfig(directory)
  if (sizes !== undefined) {
    config.maxHashSlotNum = sizes.slots
    config.maxIndexNum = sizes.entries
  }
  return examineStore(disk, config).problems
}

class StoreCheck {
  readonly #disk: Disk
  readonly #config: StoreConfig
  readonly #options: CheckOptions
  readonly #paths: StorePaths
  readonly #findings = new Findings()
  #newestTimestamp = 0
  #firstBad: { offset: number; reason: string } | undefined
  #recordsBehind = 0

  constructor(disk: Disk, config: StoreConfig, options: CheckOptions) {
    this.#disk = disk
    this.#config = config
    this.#options = options
    this.#paths = storePaths(config)
  }

  run(): CheckReport {
    const findings = this.#findings
    const paths = this.#paths
    const isClean = this.#disk.stat(paths.abort) === undefined
    const files = this.#logFiles()
    const offsetMin = files[0]?.firstOffset ?? 0
    const readFrom =
      this.#options.isFast === true ? (files.at(-FAST_FILES)?.firstOffset ?? offsetMin) : offsetMin
    checkDirectory(this.#disk, paths.root, findings)
    const tables = readConfig(this.#disk, paths.root, findings)
    const checkpoint = readCheckpoint(this.#disk, paths.checkpoint)
    const shared = { disk: this.#disk, readFrom, isClean, findings }
    const queues = new QueueCheck({
      ...shared,
      ...paths,
      logMin: offsetMin,
      topics: tables.topics,
      readQueues: readQueues(tables),
      hasExtended: this.#disk.list(`${paths.root}/consumequeue_ext`).length > 0,
      delayLevels: delaysOfLevels(this.#config.messageDelayLevel),
    })
    const index = new IndexCheck({
      ...shared,
      directory: paths.index,
      sizes: { slots: this.#config.maxHashSlotNum, entries: this.#config.maxIndexNum },
      indexMsgTimestamp: checkpoint.indexMsgTimestamp,
    })
    const end = this.#walk(files, readFrom, queues, index)
    this.#reportEnd(end, isClean)
    queues.finish(end.offset)
    index.finish()
    if (findings.namesDamaged > 0) {
      findings.note(`${findings.namesDamaged} units and index entries name damaged bytes`)
    }
    this.#checkCheckpoint(checkpoint, end)
    const waiting = checkTimers({
      disk: this.#disk,
      root: paths.root,
      commitLog: paths.commitLog,
      precisionMs: timerPrecision(this.#config),
      isClean,
      findings,
      logMin: offsetMin,
      logEnd: end.offset,
      queueEnd: queues.endOf(TIMER_TOPIC, 0),
    })
    const behind = this.#checkOffsets(tables, queues)
    return {
      problems: findings.problems,
      problemCount: findings.count,
      notes: findings.notes,
      summary: {
        logFiles: files.length,
        offsetMin,
        offsetMax: end.offset,
        records: end.records,
        queues: queues.queueCount,
        units: queues.units,
        indexFiles: index.fileCount,
        indexEntries: index.entries,
        waiting,
        isClean,
      },
      damage: this.#damage(end),
      offsetsBehindEnd: behind,
    }
  }

  #checkOffsets(tables: ConfigTables, queues: QueueCheck): OffsetBehindEnd[] {
    const behind = offsetsBehindEnd(tables, (topic, id) => queues.endOf(topic, id))
    for (const each of behind) {
      const what = `${each.key}, queue ${each.queueId}, is at ${each.offset}, behind the end of the queue at ${each.end}`
      this.#findings.report('offset', `config/${each.table}.json`, what)
    }
    return behind
  }

  #damage({ offset, reason, usedEnd }: LogEnd): LogDamage | undefined {
    const first = this.#firstBad ?? (reason === undefined ? undefined : { offset, reason })
    if (first === undefined) return undefined
    return { ...first, recordsBehind: this.#recordsBehind, usedEnd: Math.max(usedEnd, offset) }
  }

  #logFiles(): LogFile[] {
    const directory = this.#paths.commitLog
    for (const { name } of this.#disk.list(directory)) {
      if (offsetOfSegmentName(name) === undefined) {
        this.#findings.note(`commitlog/${name} is not a file of the log`)
      }
    }
    const found = listSegments(this.#disk, directory)
    // A stop while a file is created leaves an empty last file, which the next start removes.
    const files = found.filter((file, i) => file.sizeBytes > 0 || i < found.length - 1)
    for (const [i, file] of files.entries()) {
      const before = files[i - 1]
      if (before === undefined) continue
      if (file.sizeBytes !== files[0]?.sizeBytes) {
        const what = `file ${file.firstOffset} has ${file.sizeBytes} bytes, the first one ${files[0]?.sizeBytes ?? 0}`
        this.#findings.report('log-file', 'commitlog', what)
      }
      if (file.firstOffset !== before.firstOffset + (files[0]?.sizeBytes ?? 0)) {
        const what = `a file is missing before ${file.firstOffset}`
        this.#findings.report('log-file', 'commitlog', what)
      }
    }
    return files
  }

  #walk(
    files: readonly LogFile[],
    readFrom: number,
    queues: QueueCheck,
    index: IndexCheck,
  ): LogEnd {
    const last = files.at(-1)
    const totalBytes = last === undefined ? 0 : last.firstOffset + last.sizeBytes - readFrom
    return walkLog(this.#disk, this.#paths.commitLog, files, readFrom, {
      record: (buffer, at, offset) => {
        const spans = recordSpans(buffer, at, buffer.length - at)
        if (typeof spans === 'string') return
        const topic = buffer.toString('utf8', spans.topicStart, spans.topicEnd)
        const storeTimestamp = recordStoreTimestamp(buffer, at)
        if (this.#firstBad !== undefined) this.#recordsBehind++
        this.#newestTimestamp = Math.max(this.#newestTimestamp, storeTimestamp)
        queues.record(buffer, at, offset, topic, spans)
        const state = transactionState(readInt(buffer, at + RecordAt.sysFlag))
        if (state !== MessageSysFlag.TRANSACTION_ROLLBACK) {
          const { propertiesStart, propertiesEnd } = spans
          index.record(buffer, offset, storeTimestamp, topic, propertiesStart, propertiesEnd)
        }
        this.#checkWholeCrc(buffer, at, offset, spans)
      },
      bad: ({ from, to, reason }) => {
        this.#findings.damaged(from, to)
        this.#firstBad ??= { offset: from, reason }
        const what = `${to - from} bytes are not a record (${reason}); intact records follow from ${to} on`
        this.#findings.report('log-record', `commitlog ${from}`, what)
      },
      reached: (offset) => {
        this.#options.progress?.({ doneBytes: offset - readFrom, totalBytes })
      },
    })
  }

  /**
   * With `enabledAppendPropCRC` a record ends with the CRC of everything before it. Apache: `CommitLog.java`,
   * checkMessageAndReturnSize.
   */
  #checkWholeCrc(buffer: Buffer, at: number, offset: number, spans: RecordSpans): void {
    const start = spans.propertiesEnd - CRC_PROPERTY_BYTES
    if (start < spans.propertiesStart) return
    const name = buffer.subarray(start, start + CRC_PROPERTY.length)
    if (!name.equals(CRC_PROPERTY)) return
    const digits = buffer.toString('latin1', start + CRC_PROPERTY.length, spans.propertiesEnd - 1)
    const stored = Number(Array.from(digits).reverse().join(''))
    if (stored === (crc32(buffer, at, start) & 0x7fffffff)) return
    const what = 'the CRC over the whole record is wrong'
    this.#findings.report('log-record', `commitlog ${offset}`, what)
  }

  #reportEnd(end: LogEnd, isClean: boolean): void {
    if (end.reason === undefined) return
    const bytes = `${end.usedEnd - end.offset} bytes behind the last intact record are not a record (${end.reason})`
    if (isClean) this.#findings.report('log-end', `commitlog ${end.offset}`, bytes)
    else {
      this.#findings.note(
        `commitlog ${end.offset}: ${bytes}; the last stop was not clean, and the next start cuts them off`,
      )
    }
  }

  #checkCheckpoint(values: CheckpointValues, end: LogEnd): void {
    const { checkpoint } = this.#paths
    const stat = this.#disk.stat(checkpoint)
    if (stat === undefined) {
      if (end.records > 0) this.#findings.note('there is no checkpoint file')
      return
    }
    if (stat.sizeBytes !== CHECKPOINT_BYTES) {
      const what = `has ${stat.sizeBytes} bytes instead of ${CHECKPOINT_BYTES}`
      this.#findings.report('checkpoint', 'checkpoint', what)
      return
    }
    for (const { name } of checkpointLayout.fields) {
      if (values[name] < 0 || values[name] > Number.MAX_SAFE_INTEGER) {
        this.#findings.report('checkpoint', 'checkpoint', `${name} is ${values[name]}`)
      }
    }
    for (const name of ['physicMsgTimestamp', 'logicsMsgTimestamp'] as const) {
      if (values[name] <= this.#newestTimestamp) continue
      this.#findings.note(
        `the checkpoint states that messages up to ${values[name]} (${name}) were on disk, but the newest in the log is of ${this.#newestTimestamp}: the end of the log was cut or lost`,
      )
    }
    if (values.confirmPhyOffset > end.offset) {
      this.#findings.note(
        `the checkpoint states a record at ${values.confirmPhyOffset}, but the log ends at ${end.offset}`,
      )
    }
  }
}
