/**
 * Places of a name in a Bloom filter, as Apache keeps them in consumerFilter.json. Apache: `BloomFilter.java`, over the
 * first half of MurmurHash3 x64 128 with seed 0.
 */

const C1 = 0x87c37b91114253d5n
const C2 = 0x4cf5ad432745937fn
const BLOCK_BYTES = 16
const WORD_BYTES = 8

/** Places of a name, as Apache writes them. Apache: `BloomFilterData.java`. */
export interface BloomFilterData {
  readonly bitNum: number
  readonly bitPos: readonly number[]
}

/** How large a filter is, and how many places a name has in it. */
export class BloomFilter {
  readonly #hashes: number
  readonly #bits: number

  /** For `count` names, of which `errorPercent` in a hundred may be taken for another. */
  constructor(errorPercent: number, count: number) {
    const errorRate = errorPercent / 100
    this.#hashes = Math.ceil(Math.log(errorRate) / Math.log(0.5))
    const log2 = (value: number): number => Math.log(value) / Math.log(2)
    this.#bits = Math.ceil(Math.ceil(count * log2(1 / errorRate) * log2(Math.E)) / 8) * 8
  }

  /** The places of a name. */
  placesOf(name: string): BloomFilterData {
    const hash = murmur128Low(Buffer.from(name))
    const low = Number(BigInt.asIntN(32, hash))
    const high = Number(BigInt.asIntN(32, hash >> 32n))
    const bitPos: number[] = []
    for (let i = 1; i <= this.#hashes; i++) {
      const combined = (low + Math.imul(i, high)) | 0
      bitPos.push((combined < 0 ? ~combined : combined) % this.#bits)
    }
    return { bitNum: this.#bits, bitPos }
  }

  /** Whether places were made for a filter of this size. */
  fits(places: Partial<BloomFilterData> | undefined | null): places is BloomFilterData {
    return places?.bitNum === this.#bits && places.bitPos?.length === this.#hashes
  }
}

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value)
const rotated = (value: bigint, by: bigint): bigint => u64((value << by) | (value >> (64n - by)))
const mixed1 = (word: bigint): bigint => u64(rotated(u64(word * C1), 31n) * C2)
const mixed2 = (word: bigint): bigint => u64(rotated(u64(word * C2), 33n) * C1)

function finished(value: bigint): bigint {
  let k = value
  k = u64((k ^ (k >> 33n)) * 0xff51afd7ed558ccdn)
  k = u64((k ^ (k >> 33n)) * 0xc4ceb9fe1a85ec53n)
  return k ^ (k >> 33n)
}

/** The first 64 of the 128 bits. */
function murmur128Low(bytes: Buffer): bigint {
  const wholeBytes = bytes.length - (bytes.length % BLOCK_BYTES)
  let h1 = 0n
  let h2 = 0n
  for (let at = 0; at < wholeBytes; at += BLOCK_BYTES) {
    h1 ^= mixed1(bytes.readBigUInt64LE(at))
    h1 = u64((rotated(h1, 27n) + h2) * 5n + 0x52dce729n)
    h2 ^= mixed2(bytes.readBigUInt64LE(at + WORD_BYTES))
    h2 = u64((rotated(h2, 31n) + h1) * 5n + 0x38495ab5n)
  }
  // The rest, as if zeros followed it; zeros add nothing.
  const rest = Buffer.alloc(BLOCK_BYTES)
  bytes.copy(rest, 0, wholeBytes)
  h1 ^= mixed1(rest.readBigUInt64LE(0)) ^ BigInt(bytes.length)
  h2 ^= mixed2(rest.readBigUInt64LE(WORD_BYTES)) ^ BigInt(bytes.length)
  h1 = u64(h1 + h2)
  h2 = u64(h2 + h1)
  return u64(finished(h1) + finished(h2))
}
