import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { memoryDisk } from '@skylarkmq/env'
import { ROOT, filesBelow, soundStore, testEnv } from '@skylarkmq/store/test-support'
import { examineStore, inspectQueue, repairStore } from '../src/index.ts'

const SEED = 33_107
const RUNS = 150

const damage = fc.array(
  fc.record({
    kind: fc.constantFrom('flip', 'zero', 'remove', 'cut'),
    file: fc.nat(1_000_000),
    place: fc.nat(1_000_000),
    length: fc.integer({ min: 1, max: 200 }),
  }),
  { minLength: 1, maxLength: 4 },
)

test(`Whatever happened to queues and index, a repair makes them again as they were (seed ${SEED})`, async () => {
  const { env, config } = await soundStore()
  const files = filesBelow(env.disk, ROOT)
  const paths = [...files.keys()].filter((path) => /\/(consumequeue|index)\//.test(path))
  const queues = [
    ['TopicA', 0],
    ['TopicA', 1],
    ['TopicB', 0],
  ] as const
  const wanted = queues.map(([topic, id]) => inspectQueue(env.disk, ROOT, topic, id))
  let repairs = 0
  await fc.assert(
    fc.asyncProperty(damage, async (damages) => {
      const changed = new Map(files)
      for (const { kind, file, place, length } of damages) {
        const path = paths[file % paths.length] as string
        const bytes = Buffer.from(changed.get(path) ?? files.get(path) ?? '')
        const at = place % bytes.length
        if (kind === 'remove') changed.delete(path)
        else if (kind === 'cut') changed.set(path, bytes.subarray(0, at))
        else if (kind === 'zero')
          changed.set(path, bytes.fill(0, at, Math.min(at + length, bytes.length)))
        else {
          bytes[at] = (bytes[at] as number) ^ (1 + (length % 255))
          changed.set(path, bytes)
        }
      }
      const disk = memoryDisk(() => env.clock.now())
      for (const [path, bytes] of changed) {
        disk.makeDirectory(path.slice(0, path.lastIndexOf('/')))
        disk.writeFile(path, bytes)
      }
      const isWrong = examineStore(disk, config).problemCount > 0
      const { report } = await repairStore(testEnv(disk, env.clock), config, {})
      if (isWrong) repairs++
      assert.deepEqual(report.problems, [])
      assert.deepEqual(
        queues.map(([topic, id]) => inspectQueue(disk, ROOT, topic, id)),
        wanted,
      )
      for (const [path, bytes] of filesBelow(disk, `${ROOT}/commitlog`)) {
        assert.deepEqual(bytes, files.get(path))
      }
    }),
    { seed: SEED, numRuns: RUNS },
  )
  assert.ok(repairs > RUNS / 2, 'most runs had something to repair')
})
