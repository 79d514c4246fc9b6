import { findProperty, javaHashOfBytes, Property, propertyText } from '@skylarkmq/protocol'

const TAGS = Buffer.from(Property.TAGS)
const WAIT = Buffer.from(Property.WAIT)
const NAME_END = 1
const VALUE_END = 2

/** What a send needs to know of a message's properties. */
export interface ScannedProperties {
  /** `javaHash` of the tag; 0 without one. */
  tagsCode: number
  hasUniqKey: boolean
  /** Whether a property is there that only few messages have, so that the slow path is taken. */
  isSpecial: boolean
  /** False when the producer does not want to wait for the disk. */
  waitStoreOk: boolean
}

/**
 * Names that take a message off the plain path: delays, timers, transactions, and what the broker itself
 * is about to set. Their first letters tell nearly all messages apart.
 */
const SPECIAL: readonly Buffer[] = [
  Property.DELAY,
  Property.TIMER_DELAY_MS,
  Property.TIMER_DELAY_SEC,
  Property.TIMER_DELIVER_MS,
  Property.TRAN_MSG,
  Property.POP_CK,
  Property.MSG_REGION,
  Property.TRACE_ON,
  Property.CLUSTER,
  Property.CRC32,
].map((name) => Buffer.from(name))
const SPECIAL_LETTERS = new Set(SPECIAL.map((name) => name[0]))
const UNIQ_KEY = Buffer.from(Property.UNIQ_KEY)

/** Looks over encoded properties once. */
export function scanProperties(bytes: Buffer): ScannedProperties {
  const found = { tagsCode: 0, hasUniqKey: false, isSpecial: false, waitStoreOk: true }
  for (let at = 0; at < bytes.length;) {
    const letter = bytes[at]
    if (letter === TAGS[0] && isNamed(bytes, at, TAGS)) found.tagsCode = tagsCodeOf(bytes)
    else if (letter === UNIQ_KEY[0] && isNamed(bytes, at, UNIQ_KEY)) found.hasUniqKey = true
    else if (letter === WAIT[0] && isNamed(bytes, at, WAIT)) {
      found.waitStoreOk = propertyText(bytes, WAIT) !== 'false'
    }
    if (SPECIAL_LETTERS.has(letter) && SPECIAL.some((name) => isNamed(bytes, at, name))) {
      found.isSpecial = true
    }
    at = nextProperty(bytes, at)
  }
  return found
}

function tagsCodeOf(bytes: Buffer): number {
  const span = findProperty(bytes, TAGS)
  return span === undefined ? 0 : javaHashOfBytes(bytes, span.start, span.end)
}

function isNamed(bytes: Buffer, at: number, name: Buffer): boolean {
  const end = at + name.length
  if (bytes[end] !== NAME_END) return false
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false
  return true
}

function nextProperty(bytes: Buffer, at: number): number {
  let i = at
  while (i < bytes.length && bytes[i] !== VALUE_END) i++
  return i + 1
}
