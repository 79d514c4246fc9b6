import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SimNode, World } from '@skylarkmq/env/sim'
import { SegmentQueue, listSegments } from '../src/segment/segment-queue.ts'
import { hostFailure, testEnv } from './support/test-env.ts'
import type { TestEnv } from './support/test-env.ts'

const DIRECTORY = '/log'
const SIZE = 4096

function emptyQueue(): { env: TestEnv; queue: SegmentQueue; offsets: () => number[] } {
  const env = testEnv()
  env.disk.makeDirectory(DIRECTORY)
  const queue = new SegmentQueue(env.disk, DIRECTORY, SIZE, [])
  const offsets = (): number[] => listSegments(env.disk, DIRECTORY).map((each) => each.firstOffset)
  return { env, queue, offsets }
}

describe('The files of a log', () => {
  test('a file that could not be made is not left behind the last one', () => {
    const { env, queue, offsets } = emptyQueue()
    queue.append()
    env.fault = (operation) => (operation === 'resize' ? hostFailure('EIO') : undefined)
    assert.throws(() => queue.append(), { code: 'EIO' })
    assert.deepEqual(offsets(), [0])
    env.fault = undefined
    assert.equal(queue.append().firstOffset, SIZE)
  })

  test('a cut deletes files behind it that the log did not make, so that no gap is left', () => {
    const { env, queue, offsets } = emptyQueue()
    for (let i = 0; i < 3; i++) queue.append()
    env.disk.writeFile(`${DIRECTORY}/00000000000000012288`, Buffer.alloc(SIZE))
    queue.truncate(100)
    assert.deepEqual(offsets(), [0])
    assert.equal(queue.endOffset, SIZE)
  })

  test('a cut in which a file could not be deleted can be made again', () => {
    const { env, queue, offsets } = emptyQueue()
    for (let i = 0; i < 3; i++) queue.append()
    env.fault = (operation, path) =>
      operation === 'remove' && path.endsWith('4096') ? hostFailure('EIO') : undefined
    assert.throws(() => {
      queue.truncate(100)
    })
    assert.deepEqual(offsets(), [0, SIZE])
    assert.equal(queue.endOffset, 2 * SIZE)
    env.fault = undefined
    queue.truncate(100)
    assert.deepEqual(offsets(), [0])
  })

  test('a new file has zeros, whatever lay under its name', () => {
    const { env, queue } = emptyQueue()
    env.disk.writeFile(`${DIRECTORY}/00000000000000000000`, Buffer.alloc(SIZE, 7))
    queue.append()
    assert.deepEqual(env.disk.readFile(`${DIRECTORY}/00000000000000000000`), Buffer.alloc(SIZE))
  })
})

test('files that are deleted one after another leave no gap when the power fails', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const node = new SimNode(new World(seed))
    const { disk } = node.start().env
    disk.makeDirectory('/log')
    disk.syncDirectoryNow('/')
    const queue = new SegmentQueue(disk, '/log', 64, [])
    for (let i = 0; i < 6; i++) queue.append()
    for (let i = 0; i < 4; i++) queue.removeFirst()
    node.powerCut()
    const left = listSegments(node.start().env.disk, '/log').map(({ firstOffset }) => firstOffset)
    const first = left[0] ?? 0
    assert.deepEqual(
      left,
      left.map((_, i) => first + 64 * i),
      `seed ${seed}`,
    )
  }
})
