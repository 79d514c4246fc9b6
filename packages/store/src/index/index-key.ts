import { findProperty, javaHash } from '@skylarkmq/protocol'
import type { KeySpans } from '../message/message.ts'

const UNIQ_KEY = Buffer.from('UNIQ_KEY')
const KEYS = Buffer.from('KEYS')
const TAGS = Buffer.from('TAGS')
const SPACE = 0x20

/** The hash of a key as the index has it: that of `topic#key`, never negative. Apache: `IndexFile.java`, indexKeyHashMethod. */
export function indexKeyHash(topic: string, key: string): number {
  return positive(javaHash(`${topic}#${key}`))
}

function positive(hash: number): number {
  const absolute = Math.abs(hash)
  return absolute > 0x7fffffff ? 0 : absolute
}

/** The hash state after `topic#`, from which the hash of each key continues. */
export function topicHash(topic: string): number {
  return javaHash(`${topic}#`)
}

/** Positions of the properties that queues and index are built from; −1 for missing ones. */
export interface DispatchSpans extends KeySpans {
  /** Relative to the beginning of the buffer. */
  tagsStart: number
  tagsEnd: number
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Finds keys and tags in `bytes[start, end)` in one pass; positions of keys are relative to `start`. Valid until the
 * next call. Same rules as `findProperty`.
 */
export function dispatchSpans(bytes: Buffer, start: number, end: number): DispatchSpans {
  found.uniqKeyStart = found.uniqKeyEnd = found.keysStart = found.keysEnd = -1
  found.tagsStart = found.tagsEnd = -1
  for (let at = start; at < end;) {
    let valueStart = 0
    let i = at
    for (; i < end; i++) {
      const byte = bytes[i]
      if (byte === 2) break
      if (byte === 1 && valueStart === 0) valueStart = i + 1
    }
    if (valueStart > 0 && valueStart < i) takeProperty(bytes, at, valueStart, i, start)
    at = i + 1
  }
  return found
}

const found: Writable<DispatchSpans> = {
  uniqKeyStart: -1,
  uniqKeyEnd: -1,
  keysStart: -1,
  keysEnd: -1,
  tagsStart: -1,
  tagsEnd: -1,
}

function takeProperty(
  bytes: Buffer,
  at: number,
  valueStart: number,
  end: number,
  start: number,
): void {
  const nameBytes = valueStart - 1 - at
  if (nameBytes === UNIQ_KEY.length && isName(bytes, at, UNIQ_KEY)) {
    found.uniqKeyStart = valueStart - start
    found.uniqKeyEnd = end - start
  } else if (nameBytes === KEYS.length && isName(bytes, at, KEYS)) {
    found.keysStart = valueStart - start
    found.keysEnd = end - start
  } else if (nameBytes === TAGS.length && isName(bytes, at, TAGS)) {
    found.tagsStart = valueStart
    found.tagsEnd = end
  }
}

function isName(bytes: Buffer, at: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false
  return true
}

/** Finds the keys in the encoded `properties[start, end)`; positions are relative to `start`. */
export function keySpans(properties: Buffer, start: number, end: number): KeySpans {
  const unique = findProperty(properties, UNIQ_KEY, start, end)
  const keys = findProperty(properties, KEYS, start, end)
  return {
    uniqKeyStart: unique === undefined ? -1 : unique.start - start,
    uniqKeyEnd: unique === undefined ? -1 : unique.end - start,
    keysStart: keys === undefined ? -1 : keys.start - start,
    keysEnd: keys === undefined ? -1 : keys.end - start,
  }
}

/**
 * Calls `put` with the hash of each key of a message: its unique key, then each word of KEYS. Spans are relative to
 * byte `start` of `properties`; `topicState` is `topicHash` of its topic. Apache: `IndexService.java`, buildIndex.
 */
export function forEachKeyHash(
  topicState: number,
  properties: Buffer,
  start: number,
  spans: KeySpans,
  put: (keyHash: number) => void,
): void {
  const { uniqKeyStart, uniqKeyEnd, keysStart } = spans
  if (uniqKeyStart >= 0) {
    put(hashOf(topicState, properties, start + uniqKeyStart, start + uniqKeyEnd))
  }
  if (keysStart < 0) return
  const keysEnd = start + spans.keysEnd
  let wordStart = start + keysStart
  for (let at = wordStart; at <= keysEnd; at++) {
    if (at < keysEnd && properties[at] !== SPACE) continue
    if (at > wordStart) put(hashOf(topicState, properties, wordStart, at))
    wordStart = at + 1
  }
}

const POWER_2 = 31 * 31
const POWER_3 = 31 * POWER_2
const POWER_4 = 31 * POWER_3

/**
 * Java's string hash over the UTF-16 units, continued from `state`; four bytes at a time, without a dependency
 * between them.
 */
function hashOf(state: number, bytes: Buffer, start: number, end: number): number {
  let hash = state
  let bits = 0
  let at = start
  for (; at + 4 <= end; at += 4) {
    const a = bytes[at] as number
    const b = bytes[at + 1] as number
    const c = bytes[at + 2] as number
    const d = bytes[at + 3] as number
    bits |= a | b | c | d
    hash = (Math.imul(POWER_4, hash) + POWER_3 * a + POWER_2 * b + 31 * c + d) | 0
  }
  for (; at < end; at++) {
    const byte = bytes[at] as number
    bits |= byte
    hash = (Math.imul(31, hash) + byte) | 0
  }
  return positive(bits < 0x80 ? hash : hashOfText(state, bytes.toString('utf8', start, end)))
}

function hashOfText(state: number, text: string): number {
  let hash = state
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}
