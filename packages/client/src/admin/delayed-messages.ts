import {
  decodeRecallHandle,
  GetBrokerRuntimeInfo,
  GetTimerMetrics,
  kvTableBody,
  ResponseCode,
  timerMetricsBody,
} from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { shown } from '../check/check-options.ts'
import { OptionError } from '../errors.ts'
import { underSignal, type CallOptions } from '../waiting.ts'
import { readMasters } from './brokers-known.ts'

/** The delayed messages of one broker that wait. */
export interface DelayedOnBroker {
  /** The broker. */
  readonly brokerName: string
  /** Those with a time of their own (`delay`, `deliverAt`), by topic; undefined where the broker keeps none. */
  readonly timed: ReadonlyMap<string, number> | undefined
  /** How late the broker is with them, ms; 0 when it is not, or does not say. */
  readonly lateMs: number
  /** Those with a level of delay, by level from 1 on; levels without any are left out. */
  readonly byLevel: ReadonlyMap<number, number>
}

/** What a recall handle says. */
export interface RecallHandleInfo {
  /** The topic that the message is for. */
  readonly topic: string
  /** The broker that keeps it. */
  readonly brokerName: string
  /** When it is due, ms since 1970. */
  readonly dueTimestamp: number
  /** The id that its producer gave it. */
  readonly msgId: string
}

/** The delay offsets of a level, as brokers print them. */
const LEVEL = /^scheduleMessageOffset_(\d+)$/

/** Messages that wait for their time. All methods that ask brokers reject as those of Groups. */
export class DelayedMessages {
  readonly #client: ClientInstance

  /** `client` makes the connections. */
  constructor(client: ClientInstance) {
    this.#client = client
  }

  /** How many messages wait on each master. Apache: `AdminBrokerProcessor.java`, getTimerMetrics; `ScheduleMessageService.java`. */
  waiting(options: CallOptions = {}): Promise<DelayedOnBroker[]> {
    return underSignal(options, async () => {
      const masters = await readMasters(this.#client)
      return Promise.all(
        masters.map(async ({ address, brokerName }) => {
          const [timed, runtime] = await Promise.all([this.#timed(address), this.#runtime(address)])
          const lateMs = Number(runtime.get('timerReadBehind') ?? 0) * 1_000
          return { brokerName, timed, lateMs: Math.max(0, lateMs || 0), byLevel: byLevel(runtime) }
        }),
      )
    })
  }

  /** What the handle of a delayed message says; nobody is asked. Throws RMQ_OPTION for what is none. */
  readRecallHandle(recallHandle: string): RecallHandleInfo {
    const handle =
      typeof (recallHandle as unknown) === 'string' ? decodeRecallHandle(recallHandle) : undefined
    const timestamp = Number(handle?.timestamp)
    if (handle === undefined || !Number.isSafeInteger(timestamp)) {
      const problem = `${shown(recallHandle)} is none that a send answered`
      throw new OptionError({ option: 'recallHandle', problem })
    }
    const { topic, brokerName, uniqKey: msgId } = handle
    // A handle says one ms more than the message's own time.
    return { topic: this.#client.unwrapped(topic), brokerName, dueTimestamp: timestamp - 1, msgId }
  }

  async #timed(address: string): Promise<ReadonlyMap<string, number> | undefined> {
    const accept = [ResponseCode.SYSTEM_ERROR, ResponseCode.REQUEST_CODE_NOT_SUPPORTED]
    const answer = await this.#client.caller.call(address, GetTimerMetrics, {}, { accept })
    if (answer.code !== ResponseCode.SUCCESS) return undefined
    const { timingCount } = timerMetricsBody.decode(answer.body)
    return new Map(
      [...timingCount]
        .filter(([, { count }]) => count > 0)
        .map(([topic, { count }]) => [this.#client.unwrapped(topic), count] as const),
    )
  }

  async #runtime(address: string): Promise<ReadonlyMap<string, string>> {
    const answer = await this.#client.caller.call(address, GetBrokerRuntimeInfo, {})
    return kvTableBody.decode(answer.body).table
  }
}

/** `scheduleMessageOffset_LEVEL: delivered,end` of a broker's own account. */
function byLevel(runtime: ReadonlyMap<string, string>): Map<number, number> {
  const levels = new Map<number, number>()
  for (const [name, value] of runtime) {
    const level = LEVEL.exec(name)?.[1]
    if (level === undefined) continue
    const [delivered = NaN, end = NaN] = value.split(',').map(Number)
    if (end > delivered) levels.set(Number(level), end - delivered)
  }
  return levels
}
