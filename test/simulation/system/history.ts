import assert from 'node:assert/strict'
import type { ReceivedMessage, SendResult } from '@skylarkmq/client'
import type { SimProcess, World } from '@skylarkmq/env/sim'
import { parseOffsetMsgId } from '@skylarkmq/protocol'

/** How a message was sent. */
export type Kind = 'plain' | 'ordered' | 'transaction' | 'delayed'

/** Where a message lies. */
export interface Place {
  readonly broker: string
  /** See `queueOf`. */
  readonly queue: string
  readonly offset: number
  readonly physicalOffset: number
}

/** One call of a handler. */
export interface Delivery {
  readonly group: string
  readonly member: string
  readonly process: SimProcess
  readonly queue: string
  readonly offset: number
  readonly beganMs: number
  /** When it was made, which is another time with each try to send it; ms since 1970. */
  readonly bornMs: number
  endedMs: number | undefined
  isDone: boolean
}

/** A message that somebody tried to send. */
export interface Sent {
  readonly id: string
  readonly kind: Kind
  readonly topic: string
  readonly sentMs: number
  readonly owner: SimProcess
  /** When it may come at the earliest, ms since 1970; or how long it is to wait. */
  dueMs?: number
  delayMs?: number
  ackedMs?: number
  /** The id that the client gave it. */
  msgId?: string
  place?: Place
  /** The send is over, and nobody knows how it went. */
  isGivenUp?: boolean
  decision?: 'commit' | 'rollback'
  isRecalled?: boolean
  /** It was lost in a way that its acknowledgement allows. */
  mayBeLost?: boolean
  readonly deliveries: Delivery[]
}

/** A queue, as all of a simulation name it. */
export function queueOf(broker: string, topic: string, queueId: number): string {
  return `${broker} ${topic} ${queueId}`
}

/** What was sent, what senders were told, and what consumers got: what a system is measured by. */
export class History {
  readonly messages = new Map<string, Sent>()
  readonly counts = { acknowledged: 0, delivered: 0, again: 0, failed: 0 }
  /** Offsets of queues that were given twice, because a log was cut. */
  readonly #reused = new Map<string, { readonly from: number; to: number }[]>()
  /** Ids of half messages that a broker gave up: its clock had come beyond the time for which it keeps messages. */
  readonly #discarded = new Set<string>()
  readonly #world: World
  readonly #listeners: ((sent: Sent, delivery: Delivery, message: ReceivedMessage) => void)[] = []
  #next = 0

  constructor(world: World) {
    this.#world = world
  }

  /** Calls `listener` when a handler begins with a message. */
  onBegun(listener: (sent: Sent, delivery: Delivery, message: ReceivedMessage) => void): void {
    this.#listeners.push(listener)
  }

  /** Takes note of a message before it is sent. */
  send(kind: Kind, topic: string, owner: SimProcess, rest: Partial<Sent> = {}): Sent {
    const id = `${kind}-${this.#next++}`
    const sent = { id, kind, topic, owner, sentMs: this.#world.time, ...rest, deliveries: [] }
    this.messages.set(id, sent)
    return sent
  }

  /** Its sender was told that it is stored. */
  acknowledge(
    sent: Sent,
    { messageQueue, msgId, queueOffset, offsetMsgId, status }: SendResult,
  ): void {
    sent.msgId = msgId
    this.#world.trace?.add(`acknowledged ${sent.id} ${status}`, this.#world.time, queueOffset)
    const { brokerName, queueId } = messageQueue
    const physicalOffset = parseOffsetMsgId(offsetMsgId)?.physicalOffset ?? -1
    const queue = queueOf(brokerName, messageQueue.topic, queueId)
    sent.place = { broker: brokerName, queue, offset: queueOffset, physicalOffset }
    if (status !== 'SEND_OK') return
    sent.ackedMs = this.#world.time
    this.counts.acknowledged++
  }

  /** A broker gave a half message up. */
  discard(msgId: string): void {
    this.#discarded.add(msgId)
  }

  /** Whether a broker gave up the half message of a transaction. */
  isDiscarded({ msgId }: Sent): boolean {
    return msgId !== undefined && this.#discarded.has(msgId)
  }

  /** A handler begins with a message. */
  begin(group: string, member: string, process: SimProcess, message: ReceivedMessage): Delivery {
    const sent = this.messages.get(String(message.body))
    assert.ok(sent !== undefined, `nobody sent ${String(message.body)}`)
    assert.equal(message.topic, sent.topic)
    const { brokerName, topic, queueId } = message.messageQueue
    const delivery = {
      group,
      member,
      process,
      queue: queueOf(brokerName, topic, queueId),
      offset: message.queueOffset,
      beganMs: this.#world.time,
      bornMs: message.bornTimestamp,
      endedMs: undefined,
      isDone: false,
    }
    this.#world.trace?.add(`${member} gets ${sent.id}`, this.#world.time, delivery.offset)
    this.counts.delivered++
    if (sent.deliveries.some((each) => each.group === group)) this.counts.again++
    for (const listener of this.#listeners) listener(sent, delivery, message)
    sent.deliveries.push(delivery)
    return delivery
  }

  /** The handler has ended. */
  end(delivery: Delivery, isDone: boolean): void {
    delivery.endedMs = this.#world.time
    delivery.isDone = isDone
    if (!isDone) this.counts.failed++
  }

  /** A queue ends earlier than it did: its offsets in between are given a second time. */
  wasCut(queue: string, from: number, to: number): void {
    if (from >= to) return
    const ranges = this.#reused.get(queue) ?? []
    this.#reused.set(queue, ranges)
    ranges.push({ from, to })
  }

  /** Whether an offset stood for two messages, so that who came beyond the first may never see the second. */
  isReused(queue: string, offset: number): boolean {
    return this.#reused.get(queue)?.some(({ from, to }) => offset >= from && offset < to) ?? false
  }

  /** Acknowledged messages of a broker that were not on disk when its disk forgot what was not. */
  forgive(broker: string, isLost: (sent: Sent) => boolean): void {
    for (const sent of this.messages.values()) {
      if (sent.place?.broker === broker && isLost(sent)) sent.mayBeLost = true
    }
  }
}
