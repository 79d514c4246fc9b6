import fs from 'node:fs'
import { memoryDisk } from '@skylarkmq/env'
import { manualClock } from '@skylarkmq/env/sim'
import type { StoreConfig } from '../../src/index.ts'
import { ROOT, smallConfig } from './stores.ts'
import { readTarGz } from './tar.ts'
import { testEnv } from './test-env.ts'
import type { TestEnv } from './test-env.ts'

const GOLDEN = new URL('../../../test/golden/', import.meta.url)

/** What a `<name>.json` says; see the README beside it. */
export interface GoldenFacts {
  readonly settings: Partial<StoreConfig>
  readonly minOffset: number
  readonly maxOffset: number
  readonly indexCount: number
  readonly queues: Readonly<Record<string, readonly [min: number, max: number, lastTime: number]>>
  readonly onDisk: Readonly<Record<string, readonly [first: number, end: number]>>
  readonly keyQueries: readonly { topic: string; key: string; found: readonly number[] }[]
  readonly pullProbes: readonly PullProbe[]
  readonly pulled: readonly (readonly [
    queue: string,
    queueOffset: number,
    physicalOffset: number,
    bodySha256: string,
  ])[]
}

/** What Apache answered to a pull. */
export interface PullProbe {
  readonly topic: string
  readonly queueId: number
  readonly offset: number
  readonly status: string
  readonly nextBeginOffset: number
}

/** A damaged store, and what Apache made of it. */
export interface GoldenVariant {
  readonly name: string
  readonly base: string
  readonly patches: readonly { file: string; offset: number; zero?: number; xor?: string }[]
  readonly remove: readonly string[]
  readonly maxOffset: number
  readonly indexKeysAfter: number | null
  readonly queuesAfter: Readonly<Record<string, readonly [number, number]>>
  readonly keyQueriesAfter: readonly { topic: string; key: string; hits: number }[]
}

/** Offset, size, topic, queue id and offset, flags, times and more of a record, then hashes of body and properties. */
export type GoldenRecord = readonly [
  physicalOffset: number,
  sizeBytes: number,
  topic: string,
  queueId: number,
  queueOffset: number,
  sysFlag: number,
  flag: number,
  bornTimestamp: number,
  storeTimestamp: number,
  reconsumeTimes: number,
  preparedTransactionOffset: number,
  bodySha: string,
  propertiesSha: string,
]

/** Every record of a store, and the heads of its index files. */
export interface GoldenRecords {
  readonly index: readonly (readonly number[])[]
  readonly records: readonly GoldenRecord[]
}

export function goldenRecords(name: string): GoldenRecords {
  return JSON.parse(
    fs.readFileSync(new URL(`${name}.records.json`, GOLDEN), 'utf8'),
  ) as GoldenRecords
}

export function goldenFacts(name: string): GoldenFacts {
  return JSON.parse(fs.readFileSync(new URL(`${name}.json`, GOLDEN), 'utf8')) as GoldenFacts
}

export function goldenVariants(): GoldenVariant[] {
  return JSON.parse(fs.readFileSync(new URL('variants.json', GOLDEN), 'utf8')) as GoldenVariant[]
}

/** A disk with a store of Apache's on it, and the configuration to open it with. */
export function goldenStore(name: string): { env: TestEnv; config: StoreConfig } {
  const clock = manualClock(Date.UTC(2026, 10, 22, 12))
  let modifiedMs: number | undefined
  const disk = memoryDisk(() => modifiedMs ?? clock.now())
  for (const entry of readTarGz(fs.readFileSync(new URL(`${name}.tar.gz`, GOLDEN)))) {
    const path = entry.name === '.' || entry.name === '' ? ROOT : `${ROOT}/${entry.name}`
    modifiedMs = entry.modifiedMs
    if (entry.isDirectory) disk.makeDirectory(path)
    else disk.writeFile(path, entry.data)
  }
  modifiedMs = undefined
  return { env: testEnv(disk, clock), config: smallConfig(goldenFacts(name).settings) }
}

/** The topic and the id of a queue named `topic:id`. */
export function queueOf(name: string): [topic: string, queueId: number] {
  const colon = name.lastIndexOf(':')
  return [name.slice(0, colon), Number(name.slice(colon + 1))]
}
