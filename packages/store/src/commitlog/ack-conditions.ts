import { PutMessageStatus, isStored } from '../message/status.ts'

/** A condition besides the page cache that the answer to a send waits for: the disk, or replicas. */
export interface AckCondition {
  /**
   * Waits for a record that ends at an offset of the log and may not be written yet; `waitStoreOk` is the message's.
   * Resolves with PUT_OK when the offset is reached, with another status of a stored message on a timeout, and with
   * SERVICE_NOT_AVAILABLE when the message was lost. Undefined when there is nothing to wait for.
   */
  wait(end: number, waitStoreOk: boolean): Promise<PutMessageStatus> | undefined
  /** Ends the waits for records behind an offset, which could not be written. */
  dropFrom(offset: number): void
}

/** All conditions that the answer to a send waits for. */
export class AckConditions {
  readonly #conditions: AckCondition[] = []

  add(condition: AckCondition): void {
    this.#conditions.push(condition)
  }

  /** Waits for all conditions at once; undefined when there is nothing to wait for. */
  wait(end: number, waitStoreOk: boolean): Promise<PutMessageStatus> | undefined {
    let only: Promise<PutMessageStatus> | undefined
    let all: Promise<PutMessageStatus>[] | undefined
    for (const condition of this.#conditions) {
      const waiting = condition.wait(end, waitStoreOk)
      if (waiting === undefined) continue
      if (only === undefined) only = waiting
      else if (all === undefined) all = [only, waiting]
      else all.push(waiting)
    }
    return all === undefined ? only : Promise.all(all).then(together)
  }

  dropFrom(offset: number): void {
    for (const condition of this.#conditions) condition.dropFrom(offset)
  }
}

/**
 * A lost message outweighs all else; otherwise the last condition that failed counts. Apache: `CommitLog.java`,
 * handleDiskFlushAndHA.
 */
function together(statuses: readonly PutMessageStatus[]): PutMessageStatus {
  const gone = statuses.find((status) => !isStored(status))
  const missed = statuses.findLast((status) => status !== PutMessageStatus.PUT_OK)
  return gone ?? missed ?? PutMessageStatus.PUT_OK
}
