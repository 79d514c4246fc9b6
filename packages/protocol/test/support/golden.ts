import { readFileSync, readdirSync } from 'node:fs'
import { FrameDecoder, type Frame } from '../../src/frame/frame-decoder.ts'
import { namesrvRequests, brokerRequests, clientRequests } from '../../src/requests/index.ts'
import type { RequestDefinition } from '../../src/schema/define-request.ts'

const GOLDEN = new URL('../../../test/golden/', import.meta.url)

/** A file of the golden data. */
export function goldenFile(name: string): Buffer {
  return readFileSync(new URL(name, GOLDEN))
}

/** One frame of a capture. */
export interface CapturedFrame {
  readonly serialization: 'JSON' | 'ROCKETMQ'
  readonly header: {
    readonly code: number
    readonly flag: number
    readonly language: string
    readonly opaque: number
    readonly version: number
    readonly remark?: string
    readonly extFields?: Readonly<Record<string, string>>
  }
  readonly bytes: Buffer
}

/** A request and its answer, as they were captured. */
export interface Capture {
  readonly file: string
  readonly name: string
  readonly request: CapturedFrame
  readonly response?: CapturedFrame
}

/** All captures. */
export function captures(): Capture[] {
  return readdirSync(new URL('capture/', GOLDEN)).flatMap((file) => {
    const text = goldenFile(`capture/${file}`).toString('utf8')
    return (JSON.parse(text) as RawCapture[]).map((raw) => ({
      file,
      name: raw.name,
      request: withBytes(raw.request),
      ...(raw.response === undefined || raw.response === null
        ? {}
        : { response: withBytes(raw.response) }),
    }))
  })
}

interface RawCapture {
  readonly name: string
  readonly request: CapturedFrame & { readonly hex: string }
  readonly response?: (CapturedFrame & { readonly hex: string }) | null
}

function withBytes(raw: CapturedFrame & { readonly hex: string }): CapturedFrame {
  return {
    serialization: raw.serialization,
    header: raw.header,
    bytes: Buffer.from(raw.hex, 'hex'),
  }
}

/** Every captured frame with a name for messages. */
export function capturedFrames(): { readonly title: string; readonly frame: CapturedFrame }[] {
  return captures().flatMap(({ file, name, request, response }) => [
    { title: `${file} ${name} request`, frame: request },
    ...(response === undefined ? [] : [{ title: `${file} ${name} response`, frame: response }]),
  ])
}

/** Cuts the one frame that the bytes are. */
export function frameOf(bytes: Buffer): Frame {
  const frames: Frame[] = []
  new FrameDecoder().push(bytes, (frame) => frames.push(frame))
  if (frames.length !== 1) throw new Error(`${frames.length} frames`)
  return frames[0] as Frame
}

/** All definitions, each once. */
export function allDefinitions(): RequestDefinition[] {
  const tables: Readonly<Record<string, RequestDefinition>>[] = [
    brokerRequests,
    namesrvRequests,
    clientRequests,
  ]
  return [...new Set(tables.flatMap((table) => Object.values(table)))]
}
