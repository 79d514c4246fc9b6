import type { Disk, DiskFile } from '@skylarkmq/env'
import { ProtocolError, TIMER_TOPIC, recordSpans, timerMetricsBody } from '@skylarkmq/protocol'
import { TIMER_WHEEL_BYTES, listSegments, segmentName, slotBegin } from '@skylarkmq/store/internals'
import type { TimerCheckFile, TimerUnit } from '@skylarkmq/store/internals'
import { TimerFiles, type TimerLogEnd, type TimerSlotAt } from './timer-files.ts'
import type { Findings, ProblemKind } from './problem.ts'

/** What a check of the timer messages needs. */
export interface TimerCheckContext {
  readonly disk: Disk
  readonly root: string
  readonly commitLog: string
  readonly precisionMs: number
  readonly isClean: boolean
  readonly findings: Findings
  /** First and end offset of the commit log. */
  readonly logMin: number
  readonly logEnd: number
  /** End of the timer queue; undefined when unknown. */
  readonly queueEnd: number | undefined
}

/**
 * Compares the timer wheel, its log and its check point with each other and with the commit log. Returns how many
 * messages are in the wheel. Throws the host's error.
 */
export function checkTimers(context: TimerCheckContext): number {
  const { disk, root, precisionMs } = context
  const files = new TimerFiles(disk, root, precisionMs)
  const records = new RecordsByOffset(disk, context.commitLog)
  try {
    return new TimerCheck(context, files, records).run()
  } finally {
    files.close()
    records.close()
  }
}

class TimerCheck {
  readonly #context: TimerCheckContext
  readonly #files: TimerFiles
  readonly #records: RecordsByOffset

  constructor(context: TimerCheckContext, files: TimerFiles, records: RecordsByOffset) {
    this.#context = context
    this.#files = files
    this.#records = records
  }

  run(): number {
    this.#checkMetrics()
    const check = this.#files.checkPoint()
    if (!this.#checkFiles(check)) return 0
    const end = this.#checkLog()
    if (check !== undefined) this.#checkPoint(check, end)
    let waiting = 0
    for (const slot of this.#files.slots(check?.lastReadTimeMs ?? 0)) {
      waiting += this.#checkSlot(slot, end)
    }
    return waiting
  }

  /** Reports a problem after a clean stop; after a kill the next start repairs it, and it is a note. */
  #say(kind: ProblemKind, where: string, what: string): void {
    const { isClean, findings } = this.#context
    if (isClean) findings.report(kind, where, what)
    else findings.note(`${where}: ${what}; the last stop was not clean`)
  }

  /** False when there is nothing more to check. */
  #checkFiles(check: TimerCheckFile | undefined): boolean {
    const { findings } = this.#context
    const { segments, wheelBytes } = this.#files
    if (segments.length === 0 && wheelBytes === undefined) {
      if ((check?.lastTimerLogFlushPos ?? 0) === 0) return false
      findings.note('the timer wheel and its log are missing; the next start rebuilds them')
      return false
    }
    if (wheelBytes !== undefined && wheelBytes !== TIMER_WHEEL_BYTES) {
      const what = `has ${wheelBytes} bytes instead of ${TIMER_WHEEL_BYTES}`
      findings.report('timer-wheel', 'timerwheel', what)
    } else if (wheelBytes === undefined) {
      findings.note('there is no timer wheel; the next start rebuilds it from the timer log')
    }
    for (const [i, { firstOffset, sizeBytes }] of segments.entries()) {
      const before = segments[i - 1]
      if (before === undefined) continue
      if (firstOffset !== before.firstOffset + before.sizeBytes || sizeBytes !== before.sizeBytes) {
        const what = `a file before ${firstOffset} is missing or of another size`
        this.#say('timer-log', 'timerlog', what)
      }
    }
    return true
  }

  #checkLog(): TimerLogEnd {
    let goingBack = 0
    const end = this.#files.walk((unit, position) => {
      if (unit.previous < position) return
      if (goingBack++ > 0) return
      const what = `the unit at ${position} follows that at ${unit.previous}, which comes later`
      this.#say('timer-log', `timerlog ${position}`, what)
    })
    if (end.usedEnd > end.offset) {
      const what = `${end.usedEnd - end.offset} bytes behind the last intact unit are not a unit`
      this.#say('timer-log', `timerlog ${end.offset}`, what)
    }
    return end
  }

  #checkPoint(check: TimerCheckFile, end: TimerLogEnd): void {
    const { queueEnd, findings } = this.#context
    const where = 'config/timercheck'
    if (check.lastTimerLogFlushPos > end.offset) {
      const what = `says that the timer log was on disk up to ${check.lastTimerLogFlushPos}, and it ends at ${end.offset}`
      this.#say('timer-check', where, what)
    }
    if (queueEnd !== undefined && check.lastTimerQueueOffset > queueEnd) {
      findings.note(
        `${where} states that messages up to ${check.lastTimerQueueOffset} are in the wheel, but the timer queue ends at ${queueEnd}: the end of the log was cut or lost`,
      )
    }
  }

  /** Number of messages in the slot. */
  #checkSlot({ slotMs, last, count }: TimerSlotAt, end: TimerLogEnd): number {
    const { precisionMs } = this.#context
    const where = `timerwheel ${new Date(slotMs).toISOString()}`
    for (let position = last; position >= 0;) {
      const unit = position < end.offset ? this.#files.unitAt(position) : undefined
      if (unit === undefined) {
        this.#say('timer-wheel', where, `points to ${position}, where the timer log has no unit`)
        return count
      }
      if (slotBegin(unit.slotMs, precisionMs) !== slotMs || unit.previous >= position) {
        const what = `points to the unit at ${position}, which belongs to another slot`
        this.#say('timer-wheel', where, what)
        return count
      }
      this.#checkUnit(unit, position)
      position = unit.previous
    }
    return count
  }

  #checkUnit({ physicalOffset, recordBytes }: TimerUnit, position: number): void {
    const { logMin, logEnd, findings } = this.#context
    const where = `timerlog ${position}`
    if (physicalOffset >= logEnd) {
      const what = `waits for the message at ${physicalOffset}, behind the end of the log`
      this.#say('timer-unit', where, what)
    } else if (physicalOffset < logMin) {
      findings.note(`${where}: its message at ${physicalOffset} was deleted with the old files`)
    } else if (!this.#records.isWaiting(physicalOffset, recordBytes)) {
      if (findings.isDamaged(physicalOffset)) return
      const what = `refers to ${physicalOffset}, where there is no timer message of ${recordBytes} bytes`
      this.#say('timer-unit', where, what)
    }
  }

  #checkMetrics(): void {
    const { disk, root, findings } = this.#context
    const bytes = disk.readFile(`${root}/config/timermetrics`)
    if (bytes === undefined || bytes.length === 0) return
    try {
      timerMetricsBody.decode(bytes)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      const what = `cannot be read: ${error.message}; the counts of waiting messages start at 0`
      findings.note(`config/timermetrics ${what}`)
    }
  }
}

/** Looks up single records in the files of the log. */
class RecordsByOffset {
  readonly #disk: Disk
  readonly #directory: string
  readonly #files
  #open: { readonly firstOffset: number; readonly file: DiskFile } | undefined

  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
    this.#files = listSegments(disk, directory)
  }

  /** Whether there is a timer message of this length at an offset. */
  isWaiting(physicalOffset: number, sizeBytes: number): boolean {
    const found = this.#files.find(
      ({ firstOffset, sizeBytes: length }) =>
        physicalOffset >= firstOffset && physicalOffset + sizeBytes <= firstOffset + length,
    )
    if (found === undefined) return false
    const bytes = Buffer.alloc(sizeBytes)
    const file = this.#fileOf(found.firstOffset)
    const length = file.readNow(bytes, physicalOffset - found.firstOffset)
    const spans = recordSpans(bytes, 0, length)
    if (typeof spans === 'string') return false
    return bytes.toString('utf8', spans.topicStart, spans.topicEnd) === TIMER_TOPIC
  }

  #fileOf(firstOffset: number): DiskFile {
    if (this.#open?.firstOffset !== firstOffset) {
      this.close()
      const file = this.#disk.open(`${this.#directory}/${segmentName(firstOffset)}`, 'read')
      this.#open = { firstOffset, file }
    }
    return this.#open.file
  }

  close(): void {
    this.#open?.file.close()
    this.#open = undefined
  }
}
