import { javaHashOfBytes, Property } from '@skylarkmq/protocol'

const NAME_END = 1
const VALUE_END = 2

/** What a send needs to know of a message's properties. */
export interface ScannedProperties {
  /** `javaHash` of the tag; 0 without one. */
  tagsCode: number
  /** Where the unique key that the producer gave begins; −1 when it gave none. */
  uniqKeyStart: number
  uniqKeyEnd: number
  /** Where the words of KEYS begin; −1 without any. */
  keysStart: number
  keysEnd: number
  /** Whether a property is there that only few messages have, so that the slow path is taken. */
  isSpecial: boolean
  /** Whether it has a sharding key: it is one of a row that is consumed in order. */
  isFifo: boolean
  /** False when the producer does not want to wait for the disk. */
  waitStoreOk: boolean
}

type Meaning = 'tags' | 'keys' | 'uniqKey' | 'wait' | 'fifo' | 'special'

interface Name {
  readonly bytes: Buffer
  readonly meaning: Meaning
}

/**
 * Names that mean something to a send. `special` ones take a message off the plain path: delays, timers,
 * transactions, and what the broker itself is about to set.
 */
const MEANINGS: Readonly<Record<Meaning, readonly string[]>> = {
  tags: [Property.TAGS],
  keys: [Property.KEYS],
  uniqKey: [Property.UNIQ_KEY],
  wait: [Property.WAIT],
  fifo: [Property.SHARDING_KEY],
  special: [
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
    Property.INNER_NUM,
  ],
}

/** The names by their first byte: that tells nearly all properties of nearly all messages apart. */
const NAMES_BY_LETTER: readonly (readonly Name[] | undefined)[] = (() => {
  const table: Name[][] = []
  for (const [meaning, names] of Object.entries(MEANINGS)) {
    for (const name of names) {
      const bytes = Buffer.from(name)
      const letter = bytes[0] ?? 0
      ;(table[letter] ??= []).push({ bytes, meaning: meaning as Meaning })
    }
  }
  return table
})()

const FALSE = Buffer.from('false')

/** Looks over encoded properties once. Of a name that comes twice the last value holds, as in a record. */
export function scanProperties(bytes: Buffer): ScannedProperties {
  const found: ScannedProperties = {
    tagsCode: 0,
    uniqKeyStart: -1,
    uniqKeyEnd: -1,
    keysStart: -1,
    keysEnd: -1,
    isSpecial: false,
    isFifo: false,
    waitStoreOk: true,
  }
  for (let at = 0; at < bytes.length;) {
    const name = nameAt(bytes, at)
    let end = name === undefined ? at : at + name.bytes.length + 1
    const start = end
    while (end < bytes.length && bytes[end] !== VALUE_END) end++
    if (name !== undefined && end > start) note(found, name.meaning, bytes, start, end)
    at = end + 1
  }
  return found
}

function nameAt(bytes: Buffer, at: number): Name | undefined {
  const names = NAMES_BY_LETTER[bytes[at] ?? 0]
  if (names === undefined) return undefined
  for (const name of names) if (isNamed(bytes, at, name.bytes)) return name
  return undefined
}

function isNamed(bytes: Buffer, at: number, name: Buffer): boolean {
  return bytes[at + name.length] === NAME_END && startsWith(bytes, at, name)
}

function startsWith(bytes: Buffer, at: number, wanted: Buffer): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false
  return true
}

function note(
  found: ScannedProperties,
  meaning: Meaning,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  switch (meaning) {
    case 'tags':
      found.tagsCode = javaHashOfBytes(bytes, start, end)
      break
    case 'keys':
      found.keysStart = start
      found.keysEnd = end
      break
    case 'uniqKey':
      found.uniqKeyStart = start
      found.uniqKeyEnd = end
      break
    case 'wait':
      found.waitStoreOk = end - start !== FALSE.length || !startsWith(bytes, start, FALSE)
      break
    case 'fifo':
      found.isFifo = true
      break
    case 'special':
      found.isSpecial = true
      break
  }
}
