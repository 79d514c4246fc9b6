import type { MessageQueue } from '@skylarkmq/protocol'
import type { QueueOffsets, StartFrom } from './queue-offsets.ts'

/** Where a consumer keeps how far it has come. Apache: `OffsetStore.java`. */
export interface OffsetStore {
  /** The offset to continue from; without one, by `from`. Rejects when that cannot be known. */
  next(queue: MessageQueue, from: StartFrom): Promise<number>
  /** Stores how far a queue has come; with `waits`, until it is stored. */
  save(queue: MessageQueue, offset: number, waits: boolean): Promise<void>
  /** Ends a round of `save`. Throws the host's error. */
  flush(): void
  /** Gives up what it has; nothing is stored after it. */
  close(): void
}

/** The offsets of a group, at the brokers: all its members share them. Apache: `RemoteBrokerOffsetStore.java`. */
export function groupOffsets(offsets: QueueOffsets, group: string): OffsetStore {
  return {
    next: (queue, from) => offsets.next(group, queue, from),
    save: (queue, offset, waits) =>
      waits ? offsets.commitAndWait(group, queue, offset) : offsets.commit(group, queue, offset),
    flush: () => undefined,
    close: () => undefined,
  }
}
