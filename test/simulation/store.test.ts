import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawnSeeds, runSeeds } from './seeds.ts'
import { StoreRun } from './store-run.ts'
import type { RunFigures } from './store-run.ts'

const FIXED = 30
const DRAWN = 5
const FAULTY_MS = 15_000

function runAll(seeds: readonly number[]): Promise<RunFigures[]> {
  return runSeeds(seeds, '', (seed) => new StoreRun(seed, FAULTY_MS))
}

function total(all: readonly RunFigures[], key: keyof RunFigures): number {
  return all.reduce((sum, figures) => sum + figures[key], 0)
}

test('whatever the disk does and whenever a store dies, it keeps what it promised', async (t) => {
  const drawn = drawnSeeds(DRAWN)
  t.diagnostic(`drawn seeds: ${drawn.join(', ')}`)
  const all = await runAll([...Array.from({ length: FIXED }, (_, i) => i + 1), ...drawn])
  for (const key of ['acknowledged', 'pulled', 'deaths', 'powerCuts', 'refused'] as const) {
    assert.ok(total(all, key) > FIXED, `the runs did something: ${key}`)
  }
  assert.ok(total(all, 'syncsFailed') > 10 && total(all, 'writesFailed') > 10)
})

test('one seed gives one course of events', async () => {
  const [first, second] = await runAll([7, 7])
  assert.deepEqual(first, second)
})
