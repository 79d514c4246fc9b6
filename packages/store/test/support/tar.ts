import { gunzipSync } from 'node:zlib'

/** A file or directory in a tar archive. */
export interface TarEntry {
  readonly name: string
  readonly isDirectory: boolean
  readonly modifiedMs: number
  readonly data: Buffer
}

/** Reads a gzipped tar archive: plain files and directories, GNU long names, sparse files of GNU's old format. */
export function readTarGz(bytes: Buffer): TarEntry[] {
  const tar = gunzipSync(bytes)
  const entries: TarEntry[] = []
  let longName: string | undefined
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const header = tar.subarray(at, at + 512)
    const size = octal(header, 124, 12)
    const type = String.fromCharCode(header[156] ?? 0)
    const data = tar.subarray(at + 512, at + 512 + size)
    at += 512 + Math.ceil(size / 512) * 512
    if (type === 'L') {
      longName = text(data, 0, data.length)
      continue
    }
    if (type === 'x' || type === 'g') {
      longName = /\d+ path=([^\n]+)\n/.exec(data.toString('utf8'))?.[1] ?? longName
      continue
    }
    const prefix = text(header, 345, 155)
    const short = text(header, 0, 100)
    const isUstar = header.toString('latin1', 257, 263) === 'ustar\0'
    const name = longName ?? (isUstar && prefix !== '' ? `${prefix}/${short}` : short)
    longName = undefined
    const modifiedMs = octal(header, 136, 12) * 1000
    if (type !== '0' && type !== '\0' && type !== '5') throw new Error(`tar entry of type ${type}`)
    entries.push({
      name: name.replace(/^\.\//, '').replace(/\/$/, ''),
      isDirectory: type === '5',
      modifiedMs,
      data,
    })
  }
  return entries
}

function octal(bytes: Buffer, at: number, length: number): number {
  return parseInt(text(bytes, at, length).trim() || '0', 8)
}

function text(bytes: Buffer, at: number, length: number): string {
  const end = bytes.indexOf(0, at)
  return bytes.toString('utf8', at, end < 0 || end > at + length ? at + length : end)
}
