import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostMemoryBytes, memoryWithin } from '../../src/node/host-memory.ts'

test('a container counts on its limit, and on no more than the host has', () => {
  assert.equal(memoryWithin(1000, 400), 400)
  assert.equal(memoryWithin(1000, 18_446_744_073_709_552_000), 1000)
  assert.equal(memoryWithin(1000, 0), 1000)
  assert.equal(memoryWithin(1000, undefined), 1000)
  assert.ok(hostMemoryBytes() > 0)
})
