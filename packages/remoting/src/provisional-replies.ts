import { textOfThrown } from '@skylarkmq/env'
import { ByteSink, writeCommand } from '@skylarkmq/protocol'
import { failureReply } from './frames.ts'

/** Replies of one turn that hold only if the log is written, by where they stand in what is to be sent. */
export class ProvisionalReplies {
  /** Start, end, opaque of each. */
  readonly #all: number[] = []
  #end = 0

  /** Notes the reply from `start` to `end`. */
  add(start: number, end: number, opaque: number): void {
    const all = this.#all
    all[this.#end++] = start
    all[this.#end++] = end
    all[this.#end++] = opaque
  }

  /** The turn is over. */
  clear(): void {
    this.#end = 0
  }

  /** The log write of this turn failed: nothing in `old` that rests on it may be acknowledged. */
  takeBack(old: ByteSink, failure: unknown): void {
    if (this.#end === 0) return
    const sink = new ByteSink()
    const remark = `the message was not stored: ${textOfThrown(failure)}`
    let from = 0
    for (let i = 0; i < this.#end; i += 3) {
      const [start = 0, end = 0, opaque = 0] = this.#all.slice(i, i + 3)
      sink.writeBytes(old.buffer.subarray(from, start))
      writeCommand(sink, failureReply(opaque, remark))
      from = end
    }
    sink.writeBytes(old.buffer.subarray(from, old.length))
    old.reset()
    old.writeBytes(sink.buffer.subarray(0, sink.length))
  }
}
