import type { Env } from '@skylarkmq/env'
import { hostErrorCode, textOfThrown } from '@skylarkmq/env'
import { scanLog } from '../commitlog/scan-log.ts'
import type { ScanEnd } from '../commitlog/scan-log.ts'
import type { CommitLog } from '../commitlog/commit-log.ts'
import type { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import type { Dispatcher } from '../dispatch/dispatcher.ts'
import { dispatchOfRecord } from '../dispatch/reput.ts'
import { indexBehind, indexCaughtUp } from '../events.ts'
import type { MessageIndex } from '../index/message-index.ts'

// How much of the log one turn reads for an index that is behind.
const CATCH_UP_BYTES = 32 * 1024 * 1024

/** What the upkeep of an index needs. */
export interface IndexSource {
  readonly log: CommitLog
  readonly queues: ConsumeQueueTable
  readonly dispatcher: Dispatcher
  readonly delayLevels: readonly number[]
}

/**
 * Writes the index, and lets it fall behind while it cannot be written: messages are accepted all the same, and their
 * keys are added from the log once a write succeeds.
 */
export class IndexUpkeep {
  readonly #env: Env
  readonly #index: MessageIndex
  readonly #source: IndexSource
  #isFailing = false

  constructor(env: Env, index: MessageIndex, source: IndexSource) {
    this.#env = env
    this.#index = index
    this.#source = source
  }

  /** Notes a failed write; reported once. */
  failed(error: unknown): void {
    if (this.#isFailing) return
    this.#isFailing = true
    this.#env.events.emit(indexBehind, { reason: textOfThrown(error) })
  }

  /** Writes entries; false when that failed. */
  writeEntries(): boolean {
    return this.#try(() => {
      this.#index.writeEntries()
      return true
    })
  }

  /** Writes everything; false when that failed. */
  writeAll(): boolean {
    return this.#try(() => {
      this.#index.write()
      return true
    })
  }

  /** Adds a part of the missing keys from the log; false when more are missing, or when the log cannot be read. */
  catchUp(): boolean {
    if (this.#index.behindFrom === undefined && !this.#isFailing) return true
    if (!this.writeEntries()) return false
    const isWhole = this.#try(() => this.#read())
    if (isWhole) {
      this.#isFailing = false
      this.#env.events.emit(indexCaughtUp, { offset: this.#source.dispatcher.dispatchedEnd })
    }
    return isWhole
  }

  #read(): boolean {
    const index = this.#index
    const { log, queues, dispatcher, delayLevels } = this.#source
    const behindFrom = index.behindFrom
    if (behindFrom === undefined) return true
    const from = Math.max(behindFrom, log.offsetMin)
    // After a failed sync the files may lack records that will be rewritten soon.
    const to = Math.min(from + CATCH_UP_BYTES, dispatcher.dispatchedEnd, log.believedEnd)
    index.behindFrom = undefined
    let end: ScanEnd
    try {
      end = scanLog(log.segments, from, { checkCrc: false, to }, (buffer, at) => {
        const message = dispatchOfRecord(queues, buffer, at, delayLevels)
        if (message?.isIndexed === true) dispatcher.addToIndex(message)
      })
    } catch (error) {
      // The log cannot be read now. Keys that were added so far are not added again.
      index.behindFrom = from
      throw error
    }
    // Set again by a message whose keys could not be added.
    if (index.isBehind) return false
    // Nothing behind a record that is not intact can be found, just as in a recovery.
    const isRead = end.offset >= dispatcher.dispatchedEnd || end.reason !== undefined
    if (!isRead) index.behindFrom = end.offset
    return isRead
  }

  /** What `act` returns, or false when the host refused. */
  #try(act: () => boolean): boolean {
    try {
      return act()
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.failed(error)
      return false
    }
  }
}
