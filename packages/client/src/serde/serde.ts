/** What a body belongs to. */
export interface SerdeContext {
  /** The topic of the message. */
  readonly topic: string
}

/**
 * How bodies of one type are written and read. What either function throws becomes a SerdeError. Both may be
 * asynchronous. `In` is what a producer is given where that is another type: of a schema with defaults, what they are not in yet.
 */
export interface Serde<T, In = T> {
  /** The body of a value. */
  encode(value: In, context: SerdeContext): string | Uint8Array | Promise<string | Uint8Array>
  /** The value of a body. */
  decode(body: Buffer, context: SerdeContext): T | Promise<T>
}

/** Bodies that are UTF-8 text. */
export function text(): Serde<string> {
  return {
    encode: (value) => value,
    decode: (body) => body.toString('utf8'),
  }
}
