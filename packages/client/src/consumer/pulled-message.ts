import {
  decodeRecord,
  propertyText,
  Property,
  recordQueueOffset,
  recordSysFlag,
  soundSpans,
  type RecordSpans,
} from '@skylarkmq/protocol'
import { isBatch, receivedMessage, takenApart, type ReceivedMessage } from '../message.ts'
import { restoredAll } from '../received-bodies.ts'

/** A message that was pulled: it waits as the bytes that came, and is read when a listener is to have it. */
export interface PulledMessage {
  readonly queueOffset: number
  /** Length of its body as it came. */
  readonly bytes: number
  /** Makes the message; each call returns a new one. */
  read(): ReceivedMessage
}

/** What the messages of a pull have in common. */
export interface PullOrigin {
  readonly brokerName: string
  readonly namespace: string | undefined
  /** The offset that was asked for. */
  readonly offset: number
  /** The broker filters by hashes of tags, of which two may be equal; here the text decides. Empty for all. */
  readonly tags: readonly string[]
}

/** A message that is there already. */
export function pulledOf(message: ReceivedMessage): PulledMessage {
  return { queueOffset: message.queueOffset, bytes: message.body.length, read: () => message }
}

/** Finds the messages in the body of an answer that are wanted. A ProtocolError when they are broken. */
export function pulledMessages(body: Buffer, origin: PullOrigin): PulledMessage[] {
  const found: StoredRecord[] = []
  for (let at = 0; at < body.length;) {
    const spans = soundSpans(body, at)
    const record = new StoredRecord(body, at, spans.bodyEnd - spans.bodyStart, origin)
    if (record.isBatch || isWanted(body, spans, origin.tags)) found.push(record)
    at += spans.sizeBytes
  }
  const batches = found.filter(({ isBatch }) => isBatch)
  if (batches.length === 0) return found
  const whole = restoredAll(batches.map((each) => each.read()))
  let next = 0
  return found.flatMap((each): readonly PulledMessage[] => {
    if (!each.isBatch) return [each]
    const members = takenApart(whole[next++] ?? each.read(), origin.offset)
    return members.filter((member) => hasTag(member, origin.tags)).map(pulledOf)
  })
}

class StoredRecord implements PulledMessage {
  readonly queueOffset: number
  readonly bytes: number
  readonly #buffer: Buffer
  readonly #at: number
  readonly #origin: PullOrigin

  constructor(buffer: Buffer, at: number, bytes: number, origin: PullOrigin) {
    this.queueOffset = recordQueueOffset(buffer, at)
    this.bytes = bytes
    this.#buffer = buffer
    this.#at = at
    this.#origin = origin
  }

  get isBatch(): boolean {
    return isBatch({ sysFlag: recordSysFlag(this.#buffer, this.#at) })
  }

  read(): ReceivedMessage {
    const { brokerName, namespace } = this.#origin
    return receivedMessage(decodeRecord(this.#buffer, this.#at), brokerName, namespace)
  }
}

const TAGS = Buffer.from(Property.TAGS)

function isWanted(
  body: Buffer,
  { propertiesStart, propertiesEnd }: RecordSpans,
  tags: readonly string[],
): boolean {
  if (tags.length === 0) return true
  const tag = propertyText(body.subarray(propertiesStart, propertiesEnd), TAGS)
  return tag !== undefined && tags.includes(tag)
}

function hasTag({ tag }: ReceivedMessage, tags: readonly string[]): boolean {
  return tags.length === 0 || (tag !== undefined && tags.includes(tag))
}
