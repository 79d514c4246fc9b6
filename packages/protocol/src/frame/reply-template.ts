import { CURRENT_VERSION } from '../codes/version.ts'
import type { ByteSink } from './byte-sink.ts'

/*
 * Answers written byte by byte: the parts that are always the same are copied, numbers become digits in
 * place, and text goes in as it is when it needs no escapes. The bytes are those that `writeCommand`
 * writes.
 */

/** Writes one answer into room that was reserved for it; an answer is begun and ended without a pause. */
export class ReplyWriter {
  /** False once something did not fit the fast way. */
  isGood = true
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  #start = 0
  #fields = 0

  /** Begins an answer; `room` bytes are enough for its header. */
  begin(sink: ByteSink, room: number, code: number): void {
    this.#start = sink.reserve(room + FIXED_ROOM)
    this.#buffer = sink.buffer
    this.#at = this.#start + 8
    this.#fields = 0
    this.isGood = true
    this.bytes(CODE)
    this.digits(code)
    this.bytes(EXT_FIELDS)
  }

  /** Bytes as they are. */
  bytes(bytes: Buffer): void {
    const buffer = this.#buffer
    const length = bytes.length
    const at = this.#at
    for (let i = 0; i < length; i++) buffer[at + i] = bytes[i] as number
    this.#at = at + length
  }

  /** The name of a field and what comes before its value; `name` is `"name":"`. */
  #name(name: Buffer): void {
    if (this.#fields++ > 0) this.#buffer[this.#at++] = 0x2c
    this.bytes(name)
  }

  /** A field that is a number; none when undefined. */
  numberField(name: Buffer, value: number | undefined): void {
    if (value === undefined) return
    this.#name(name)
    this.digits(value)
    this.#buffer[this.#at++] = 0x22
  }

  /** A field that is text; none when undefined. */
  textField(name: Buffer, value: string | undefined): void {
    if (value === undefined) return
    this.#name(name)
    this.text(value)
    this.#buffer[this.#at++] = 0x22
  }

  /** A whole number. */
  digits(value: number): void {
    if (value < 0 || value > 0x7fffffff || (value | 0) !== value) {
      this.text(String(value))
      return
    }
    const buffer = this.#buffer
    let count = 1
    for (let rest = value; rest >= 10; rest = (rest / 10) | 0) count++
    let rest = value
    for (let at = this.#at + count - 1; at >= this.#at; at--) {
      const tenth = (rest / 10) | 0
      buffer[at] = 0x30 + rest - tenth * 10
      rest = tenth
    }
    this.#at += count
  }

  /** Text without anything to escape; else the answer is not good. */
  text(value: string): void {
    const buffer = this.#buffer
    const start = this.#at
    const end = start + value.length
    if (value.length < NATIVE_FROM) {
      for (let i = 0; i < value.length; i++) {
        const unit = value.charCodeAt(i)
        if (unit > 0x7e) this.isGood = false
        buffer[start + i] = unit
      }
    } else if (buffer.write(value, start) !== value.length) {
      // More bytes than characters: it is not ASCII.
      this.isGood = false
    }
    let odd = 0
    for (let at = start; at < end; at++) odd |= UNSAFE[buffer[at] as number] as number
    if (odd !== 0) this.isGood = false
    this.#at = end
  }

  /** Ends the header and appends the body; false, with nothing appended, when it is not good. */
  end(
    sink: ByteSink,
    opaque: number,
    remark: string | undefined,
    body: Uint8Array | readonly Uint8Array[] | undefined,
  ): boolean {
    this.bytes(FLAG_AND_OPAQUE)
    this.digits(opaque)
    if (remark !== undefined) {
      this.bytes(REMARK)
      this.text(remark)
      this.#buffer[this.#at++] = 0x22
    }
    this.bytes(TAIL)
    sink.length = this.isGood ? this.#at : this.#start
    if (!this.isGood) return false
    const headerLength = this.#at - this.#start - 8
    const bodyLength = appendBody(sink, body)
    // The body may have made the buffer another one.
    sink.buffer.writeInt32BE(4 + headerLength + bodyLength, this.#start)
    sink.buffer.writeInt32BE(headerLength, this.#start + 4)
    return true
  }
}

function appendBody(sink: ByteSink, body: Uint8Array | readonly Uint8Array[] | undefined): number {
  if (body === undefined) return 0
  const before = sink.length
  if (body instanceof Uint8Array) sink.writeBytes(body)
  else for (const piece of body) sink.writeBytes(piece)
  return sink.length - before
}

/** Text from this length on is written faster by native code than by a loop. */
const NATIVE_FROM = 16

/** 1 for a character that does not stand for itself in JSON, or is not ASCII. */
export const UNSAFE = new Uint8Array(256).fill(1)
UNSAFE.fill(0, 0x20, 0x7f)
UNSAFE[0x22] = 1
UNSAFE[0x5c] = 1

const CODE = Buffer.from('{"code":')
const EXT_FIELDS = Buffer.from(',"extFields":{')
const FLAG_AND_OPAQUE = Buffer.from('},"flag":1,"language":"JAVA","opaque":')
const REMARK = Buffer.from(',"remark":"')
const TAIL = Buffer.from(`,"serializeTypeCurrentRPC":"JSON","version":${CURRENT_VERSION}}`)

/** Room for all that is not in a field: the parts above, three numbers and a frame's head. */
const FIXED_ROOM = 256

/** `"name":"`, as the writer wants names. */
export function nameBytes(name: string): Buffer {
  return Buffer.from(`"${name}":"`)
}
