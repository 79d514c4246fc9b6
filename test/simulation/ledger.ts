import assert from 'node:assert/strict'

/** What a sender was told of a message. */
export type Promised =
  /** Nothing, or that it failed: it may be stored or not. */
  | 'nothing'
  /** Stored: it survives the death of the process. */
  | 'process'
  /** On disk: it survives a power cut. */
  | 'power'

/** One message that somebody tried to send. */
export interface Sent {
  readonly id: number
  readonly topic: string
  readonly queueId: number
  readonly body: string
  promised: Promised
  queueOffset: number
  physicalEnd: number
  /** Set when it was lost in a way that its promise allows. */
  isLost: boolean
  /** Whether a consumer got it. */
  isDelivered: boolean
}

/** `topic:queueId`. */
export function queueName(topic: string, queueId: number): string {
  return `${topic}:${queueId}`
}

/** All messages that were sent, and what their senders were told: what a store is measured by. */
export class Ledger {
  readonly messages: Sent[] = []
  acknowledged = 0
  lost = 0
  // Acknowledged and not lost, by queue and offset.
  readonly #kept = new Map<string, Map<number, Sent>>()

  /** Takes note of a message before it is sent. */
  send(topic: string, queueId: number, sizeBytes: number): Sent {
    const id = this.messages.length
    const sent: Sent = {
      id,
      topic,
      queueId,
      body: `${id} ${String.fromCharCode(97 + (id % 26)).repeat(sizeBytes)}`,
      promised: 'nothing',
      queueOffset: -1,
      physicalEnd: -1,
      isLost: false,
      isDelivered: false,
    }
    this.messages.push(sent)
    return sent
  }

  /** The sender was told that it is stored. */
  acknowledge(sent: Sent, promised: Promised): void {
    this.acknowledged++
    sent.promised = promised
    const name = queueName(sent.topic, sent.queueId)
    const queue = this.#kept.get(name) ?? new Map<number, Sent>()
    this.#kept.set(name, queue)
    const other = queue.get(sent.queueOffset)
    assert.equal(other, undefined, `offset ${sent.queueOffset} of ${name} was given twice`)
    queue.set(sent.queueOffset, sent)
  }

  /** Lets go of what was acknowledged with less than this, lies behind `flushedOffset` and is not found. */
  forgive(flushedOffset: number, isThere: (sent: Sent) => boolean): void {
    for (const queue of this.#kept.values()) {
      for (const [offset, sent] of queue) {
        if (sent.promised === 'power' || sent.physicalEnd <= flushedOffset) continue
        if (isThere(sent)) continue
        sent.isLost = true
        this.lost++
        queue.delete(offset)
      }
    }
  }

  /** What has to be there. */
  *kept(): Iterable<Sent> {
    for (const queue of this.#kept.values()) yield* queue.values()
  }

  queues(): Set<string> {
    return new Set(this.messages.map((sent) => queueName(sent.topic, sent.queueId)))
  }

  /** The message whose body this is; fails when nobody sent it. */
  ofBody(body: string, where: string): Sent {
    const sent = this.messages[Number(body.slice(0, body.indexOf(' ')))]
    assert.ok(sent?.body === body, `${where} has a message that nobody sent: ${body.slice(0, 40)}`)
    return sent
  }
}
