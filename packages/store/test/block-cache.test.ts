import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BlockCache } from '../src/commitlog/block-cache.ts'

const BLOCK_BYTES = 128 * 1024

/** A cache of `blocks` blocks, and the end of a turn. */
function cacheOf(blocks: number): { cache: BlockCache; endTurn: () => void } {
  let waiting: (() => void)[] = []
  const cache = new BlockCache(blocks * BLOCK_BYTES, (f) => waiting.push(f))
  return {
    cache,
    endTurn: () => {
      const now = waiting
      waiting = []
      for (const f of now) f()
    },
  }
}

/** Puts block `n`, all of whose bytes are `n`. */
function put(cache: BlockCache, n: number): Buffer {
  const buffer = cache.take()
  buffer.fill(n)
  cache.put(n * BLOCK_BYTES, buffer, BLOCK_BYTES)
  return buffer
}

test('a view stays as it is until the turn ends, though its block is dropped', () => {
  const { cache, endTurn } = cacheOf(2)
  put(cache, 1)
  const view = cache.view(0, BLOCK_BYTES + 10, 100) as Buffer
  for (let n = 2; n < 10; n++) put(cache, n)
  assert.equal(cache.view(0, BLOCK_BYTES + 10, 100), undefined)
  assert.ok(view.equals(Buffer.alloc(100, 1)))
  endTurn()
  assert.ok(view.equals(Buffer.alloc(100, 1)))
})

test('the buffers of dropped blocks are used again in the next turn', () => {
  const { cache, endTurn } = cacheOf(2)
  const made = new Set([1, 2, 3, 4].map((n) => put(cache, n)))
  assert.equal(made.size, 4)
  endTurn()
  for (let n = 5; n < 50; n++) {
    assert.ok(made.has(put(cache, n)))
    assert.equal(cache.view(0, n * BLOCK_BYTES, 1)?.[0], n)
    endTurn()
  }
})

test('the block that was used least recently goes first', () => {
  const { cache } = cacheOf(2)
  put(cache, 1)
  put(cache, 2)
  assert.ok(cache.view(0, BLOCK_BYTES, 1))
  put(cache, 3)
  assert.ok(cache.view(0, BLOCK_BYTES, 1))
  assert.equal(cache.view(0, 2 * BLOCK_BYTES, 1), undefined)
})

test('the block that was used last is looked into first, and only within its bounds', () => {
  const { cache } = cacheOf(4)
  assert.equal(cache.near(0, 1), undefined)
  put(cache, 0)
  put(cache, 1)
  assert.ok(cache.view(0, BLOCK_BYTES + 5, 10) !== undefined)
  assert.deepEqual(cache.near(BLOCK_BYTES, 3), Buffer.alloc(3, 1))
  assert.equal(cache.near(2 * BLOCK_BYTES - 2, 3), undefined)
  assert.equal(cache.near(BLOCK_BYTES - 1, 3), undefined)
  cache.clear()
  assert.equal(cache.near(BLOCK_BYTES, 3), undefined)
})
