/** Java's `String.hashCode`: a signed 32-bit number over the UTF-16 units. */
export function javaHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}

/**
 * `javaHash` of UTF-8 text without making the string of it. Bytes that are not UTF-8 count as the
 * string that Node decodes from them.
 */
export function javaHashOfBytes(bytes: Buffer, start: number, end: number): number {
  let hash = 0
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number
    if (byte >= 0x80) return javaHash(bytes.toString('utf8', start, end))
    hash = (Math.imul(31, hash) + byte) | 0
  }
  return hash
}

/**
 * A tag's hash as the tags code in a consume queue, which is a Java `long`: the 32-bit hash with its
 * sign extended, as an ordinary number. Apache: `MessageExtBrokerInner.java`, tagsString2tagsCode.
 */
export function tagsCode(tag: string): number {
  return tag === '' ? 0 : javaHash(tag)
}
