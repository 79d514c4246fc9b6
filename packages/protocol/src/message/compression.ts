import * as zlib from 'node:zlib'
import { MessageSysFlag } from '../codes/sys-flag.ts'
import { BodyTooLarge, ProtocolError } from '../errors.ts'
import { decodeLz4Frame } from './compressed/lz4-frame.ts'
import { decodeZstdFrame } from './compressed/zstd-frame.ts'

/** How a body may be compressed. Apache: `CompressionType.java`. */
export type CompressionType = 'LZ4' | 'ZSTD' | 'ZLIB'

/** Compresses and restores bodies of one type. */
export interface BodyCodec {
  readonly compress: (body: Uint8Array) => Buffer
  /** Throws when the bytes are broken or would become more than `sizeMax` bytes. */
  readonly decompress: (body: Buffer, sizeMax: number) => Buffer
}

/** Default limit of a decompressed body. Apache's brokers store at most 4 MiB, and a frame has at most 16 MiB. */
export const RESTORED_BYTES_MAX = 16 * 1024 * 1024
/** zlib's level that Apache uses. */
const LEVEL = 5

/** Restores a zlib stream. A ProtocolError when it is broken, BodyTooLarge when it becomes more than `sizeMax` bytes. */
export function inflate(bytes: Uint8Array, sizeMax: number): Buffer {
  try {
    return zlib.inflateSync(bytes, { maxOutputLength: Math.max(1, sizeMax) })
  } catch (error) {
    const what = `a zlib stream of ${bytes.length} bytes`
    if (isTooLarge(error)) {
      throw new BodyTooLarge({ what: `${what} becomes more than ${sizeMax} bytes` }, error)
    }
    throw new ProtocolError({ what: `${what} is broken` }, error)
  }
}

function isTooLarge(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code
  return error instanceof BodyTooLarge || code === 'ERR_BUFFER_TOO_LARGE'
}

const codecs = new Map<CompressionType, BodyCodec>([
  [
    'ZLIB',
    {
      compress: (body) => zlib.deflateSync(body, { level: LEVEL }),
      decompress: inflate,
    },
  ],
  ['LZ4', { compress: () => unwritten('LZ4'), decompress: decodeLz4Frame }],
])
/** Decompresses where Node has no codec. */
const zstdReader: BodyCodec = { compress: () => unwritten('ZSTD'), decompress: decodeZstdFrame }

function unwritten(type: CompressionType): never {
  throw new ProtocolError({ what: `${type} is read, but written only with a codec: setBodyCodec` })
}

/**
 * Replaces the built-in codec of a type by one of a package: the built-in one reads all types, but writes only ZLIB,
 * and ZSTD where Node supports it.
 */
export function setBodyCodec(type: CompressionType, codec: BodyCodec): void {
  codecs.set(type, codec)
}

/** The compression type of a sysFlag; undefined for an unknown number. */
export function compressionTypeOf(sysFlag: number): CompressionType | undefined {
  switch (sysFlag & MessageSysFlag.COMPRESSION_MASK) {
    case MessageSysFlag.COMPRESSION_LZ4:
      return 'LZ4'
    case MessageSysFlag.COMPRESSION_ZSTD:
      return 'ZSTD'
    // Clients older than 5.0 know zlib only and set no type.
    case 0:
    case MessageSysFlag.COMPRESSION_ZLIB:
      return 'ZLIB'
    default:
      return undefined
  }
}

/** The sysFlag bits of a body that is compressed in this way. */
export function compressionSysFlag(type: CompressionType): number {
  const bits = {
    LZ4: MessageSysFlag.COMPRESSION_LZ4,
    ZSTD: MessageSysFlag.COMPRESSION_ZSTD,
    ZLIB: MessageSysFlag.COMPRESSION_ZLIB,
  }
  return MessageSysFlag.COMPRESSED | bits[type]
}

/** Compresses a body; a ProtocolError when nothing writes the type, see `setBodyCodec`. */
export function compressBody(body: Uint8Array, type: CompressionType = 'ZLIB'): Buffer {
  return codecOf(type).compress(body)
}

/**
 * The body as the producer passed it: decompressed if the sysFlag says that it is compressed. Throws a ProtocolError
 * when it is corrupt, BodyTooLarge when it exceeds `sizeMax` bytes.
 */
export function restoreBody(body: Buffer, sysFlag: number, sizeMax = RESTORED_BYTES_MAX): Buffer {
  if ((sysFlag & MessageSysFlag.COMPRESSED) === 0) return body
  const type = compressionTypeOf(sysFlag)
  if (type === undefined)
    throw new ProtocolError({ what: `unknown compression in sysFlag ${sysFlag}` })
  const codec = codecOf(type)
  try {
    return codec.decompress(body, sizeMax)
  } catch (error) {
    // Any other failure of a codec means the same: the bytes are not a compressed body.
    const what = `a ${type} body of ${body.length} bytes`
    if (isTooLarge(error)) {
      throw new BodyTooLarge({ what: `${what} becomes more than ${sizeMax} bytes` }, error)
    }
    throw new ProtocolError({ what: `${what} cannot be restored` }, error)
  }
}

function codecOf(type: CompressionType): BodyCodec {
  return codecs.get(type) ?? nodeZstd() ?? zstdReader
}

interface ZstdOfNode {
  readonly zstdCompressSync?: (body: Uint8Array) => Buffer
  readonly zstdDecompressSync?: (body: Uint8Array, o: { maxOutputLength: number }) => Buffer
}

// Node has ZSTD from 22.15 on; the types of Node 20 do not know it.
function nodeZstd(): BodyCodec | undefined {
  const { zstdCompressSync: compress, zstdDecompressSync: decompress } = zlib as ZstdOfNode
  if (compress === undefined || decompress === undefined) return undefined
  return {
    compress: (body) => compress(body),
    decompress: (body, sizeMax) => decompress(body, { maxOutputLength: sizeMax }),
  }
}
