import { hostErrorCode, textOfThrown, type Env, type Timer } from '@skylarkmq/env'
import { queuesNotRemoved, topicFolderKept } from '../events.ts'
import type { QueueFiles } from './queue-files.ts'

/** Time per turn for removing files. */
const TURN_MS = 10
const NEXT_TURN_MS = 1

/** A topic whose files are still to be removed. */
interface Pending {
  readonly files: QueueFiles
  readonly topic: string
  /** Queues that still have files. */
  readonly queueIds: Set<number>
}

/**
 * Removes the files of deleted topics over several turns, because a topic may have thousands of them. Before a new
 * queue of the same name is created, `makeWay` must be called.
 */
export class QueueRemoval {
  readonly #env: Env
  readonly #isTopic: (topic: string, files: QueueFiles) => boolean
  #pending: Pending[] = []
  #timer: Timer | undefined

  /** `isTopic` says whether a topic has queues in a folder again. */
  constructor(env: Env, isTopic: (topic: string, files: QueueFiles) => boolean) {
    this.#env = env
    this.#isTopic = isTopic
  }

  /** Removes the files of these queues of a topic, and its folder. As much as fits into this turn is done on return. */
  add(files: QueueFiles, topic: string, queueIds: Iterable<number>): void {
    this.#pending.push({ files, topic, queueIds: new Set(queueIds) })
    if (this.#timer === undefined) this.#run(this.#env.clock.monotonic() + TURN_MS)
  }

  /** Files of a queue are about to be created: removes those of its predecessor now. Throws the host's error. */
  makeWay(files: QueueFiles, topic: string, queueId: number): void {
    for (const each of this.#pending) {
      if (each.files !== files || each.topic !== topic || !each.queueIds.has(queueId)) continue
      files.removeQueue(topic, queueId)
      each.queueIds.delete(queueId)
    }
  }

  /** Removes all that is pending. */
  finish(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#run(Infinity)
  }

  #run(endsMs: number): void {
    for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
      if (!this.#remove(next, endsMs)) {
        this.#timer = this.#env.clock.after(NEXT_TURN_MS, () => {
          this.#timer = undefined
          this.#run(this.#env.clock.monotonic() + TURN_MS)
        })
        return
      }
      this.#pending.shift()
    }
  }

  /** False when the time is up. Files that the host refuses to delete are reported and stay. */
  #remove({ files, topic, queueIds }: Pending, endsMs: number): boolean {
    try {
      for (const queueId of queueIds) {
        if (this.#env.clock.monotonic() >= endsMs) return false
        queueIds.delete(queueId)
        files.removeQueue(topic, queueId)
      }
      if (this.#isTopic(topic, files) || files.removeTopic(topic)) return true
      this.#env.events.emit(topicFolderKept, { path: files.topicDirectory(topic) })
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#env.events.emit(queuesNotRemoved, { topic, reason: textOfThrown(error) })
    }
    return true
  }
}
