import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { memoryDisk } from '@skylarkmq/env'
import type { Disk } from '@skylarkmq/env'
import { ROOT, filesBelow, soundStore } from '@skylarkmq/store/test-support'
import { examineStore } from '../src/index.ts'

const SEED = 70_421
const RUNS = 600

interface Mutation {
  readonly kind: 'flip' | 'zero' | 'remove'
  readonly file: number
  readonly place: number
  readonly length: number
  readonly bit: number
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('flip', 'flip', 'flip', 'zero', 'zero', 'remove'),
  file: fc.nat(1_000_000),
  place: fc.nat(1_000_000),
  length: fc.integer({ min: 1, max: 64 }),
  bit: fc.nat(7),
})

/**
 * Bytes of which a store has no second account, so that nobody can tell that they changed: in a record the
 * application's flag, times, hosts, flags of the broker, and what lies behind the blank that ends a file; in an index
 * file what lies where no entry is. Places are relative to a record with IPv4 hosts.
 */
const UNCHECKED_OF_RECORD: readonly (readonly [from: number, to: number])[] = [
  [16, 20], // flag
  [36, 84], // sysFlag, born time and host, store time and host, reconsumeTimes, preparedTransactionOffset
]
const BLANK_MAGIC = 0xcbd43194

function uncheckedOfLog(bytes: Buffer): Set<number> {
  const free = new Set<number>()
  for (let at = 0; at + 8 <= bytes.length && bytes.readUInt32BE(at) > 0;) {
    const size = bytes.readUInt32BE(at)
    const isBlank = bytes.readUInt32BE(at + 4) === BLANK_MAGIC
    const ranges = isBlank ? ([[8, size]] as const) : UNCHECKED_OF_RECORD
    for (const [from, to] of ranges) for (let i = from; i < to; i++) free.add(at + i)
    at += size
  }
  return free
}

function uncheckedOfIndex(bytes: Buffer, slots: number): Set<number> {
  const free = new Set<number>()
  const entries = 40 + slots * 4
  for (let i = 0; i < 20; i++) free.add(entries + i)
  const used = entries + bytes.readInt32BE(36) * 20
  for (let i = used; i < bytes.length; i++) free.add(i)
  return free
}

function unchecked(path: string, bytes: Buffer, slots: number): (at: number) => boolean {
  if (path.includes('/commitlog/')) {
    const free = uncheckedOfLog(bytes)
    return (at) => free.has(at)
  }
  if (path.includes('/index/')) {
    const free = uncheckedOfIndex(bytes, slots)
    return (at) => free.has(at)
  }
  return () => false
}

function diskWith(files: ReadonlyMap<string, Buffer>): Disk {
  const disk = memoryDisk(() => 0)
  for (const [path, bytes] of files) {
    disk.makeDirectory(path.slice(0, path.lastIndexOf('/')))
    disk.writeFile(path, bytes)
  }
  return disk
}

test(`A check sees every change of a byte that can be seen, and every file that is gone (seed ${SEED})`, async () => {
  const { env, config } = await soundStore()
  const files = filesBelow(env.disk, ROOT)
  // What is read as a whole, or has no second account at all, has tests of its own.
  const paths = [...files.keys()].filter((path) => /\/(commitlog|consumequeue|index)\//.test(path))
  const firstOfLog = `${ROOT}/commitlog/00000000000000000000`
  const sound = examineStore(diskWith(files), config)
  assert.deepEqual(sound.problems, [])
  let seen = 0
  fc.assert(
    fc.property(mutation, ({ kind, file, place, length, bit }) => {
      const path = paths[file % paths.length] as string
      const bytes = Buffer.from(files.get(path) as Buffer)
      const at = place % bytes.length
      const isUnchecked = unchecked(path, bytes, config.maxHashSlotNum)
      const changed = new Map(files)
      let matters: boolean
      if (kind === 'remove') {
        changed.delete(path)
        // Without its first file a log is one whose oldest messages expired.
        matters = path !== firstOfLog
      } else if (kind === 'flip') {
        bytes[at] = (bytes[at] as number) ^ (1 << bit)
        matters = !isUnchecked(at)
      } else {
        const end = Math.min(bytes.length, at + length)
        matters = false
        for (let i = at; i < end; i++) matters ||= bytes[i] !== 0 && !isUnchecked(i)
        bytes.fill(0, at, end)
      }
      if (kind !== 'remove') changed.set(path, bytes)
      const found = examineStore(diskWith(changed), config)
      const isSeen = found.problems.length > 0 || found.notes.length > sound.notes.length
      if (isSeen) seen++
      assert.ok(isSeen || !matters, `${kind} ${path} at ${at}, bit ${bit}, length ${length}`)
    }),
    { seed: SEED, numRuns: RUNS },
  )
  assert.ok(seen > RUNS / 2, 'most changes were seen')
})
