import { textOfThrown } from '@skylarkmq/env'
import type { Env } from '@skylarkmq/env'
import { diskFull, diskHasRoom, syncFailed, writeFailed, writeWorksAgain } from '../events.ts'

/** What a failing write was for; its owner retries it. */
export type WriteTarget = 'the commit log' | 'the consume queues' | 'the abort file'

/** Why the store refuses messages, if it does. Each condition clears by itself. Apache: `RunningFlags.java`. */
export class WriteHealth {
  readonly #env: Env
  readonly #failing = new Map<WriteTarget, string>()
  #stopped = 'the store is not started'
  #role = ''
  #syncReason = ''
  #full = ''

  constructor(env: Env) {
    this.#env = env
  }

  /** Undefined when messages are accepted. */
  why(): string | undefined {
    if (this.#stopped !== '') return this.#stopped
    if (this.#syncReason !== '') return this.#syncReason
    if (this.#role !== '') return this.#role
    if (this.#full !== '') return this.#full
    for (const [target, reason] of this.#failing) return `${target} cannot be written: ${reason}`
    return undefined
  }

  /**
   * Whether a stop now is clean: everything that was accepted could be written. A full disk, or a role that accepts
   * nothing, does not prevent that.
   */
  get mayStopOrderly(): boolean {
    return this.#stopped === '' && this.#syncReason === '' && this.#failing.size === 0
  }

  started(): void {
    this.#stopped = ''
  }

  stopped(): void {
    this.#stopped = 'the store is shut down'
  }

  /** A slave accepts only what its master sends. */
  role(isSlave: boolean): void {
    this.#role = isSlave ? 'the broker is a slave' : ''
  }

  isFailing(target: WriteTarget): boolean {
    return this.#failing.has(target)
  }

  failed(target: WriteTarget, error: unknown): void {
    const reason = textOfThrown(error)
    if (!this.#failing.has(target)) this.#env.events.emit(writeFailed, { what: target, reason })
    this.#failing.set(target, reason)
  }

  works(target: WriteTarget): void {
    if (!this.#failing.delete(target)) return
    this.#env.events.emit(writeWorksAgain, { what: target })
  }

  /** Whether a sync of the log failed: the end of the log may not be on disk, so nothing more is accepted. */
  get hasSyncFailed(): boolean {
    return this.#syncReason !== ''
  }

  syncFailed(offset: number, error: unknown): void {
    const reason = textOfThrown(error)
    this.#env.events.emit(syncFailed, { offset, reason })
    this.#syncReason = `the commit log could not be brought to disk: ${reason}`
  }

  /** The log is on disk again. */
  syncWorks(): void {
    this.#syncReason = ''
  }

  /** Sets how full the disk is, and whether that is too full. */
  disk(path: string, usedRatio: number, isTooFull: boolean): void {
    const usedPercent = Math.round(usedRatio * 100)
    if (isTooFull === (this.#full !== '')) return
    this.#full = isTooFull ? `the disk of ${path} is ${usedPercent} % full` : ''
    this.#env.events.emit(isTooFull ? diskFull : diskHasRoom, { path, usedPercent })
  }
}
