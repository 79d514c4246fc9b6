import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { StoreRun } from './store-run.ts'
import type { RunFigures } from './store-run.ts'

const FIXED = 30
const DRAWN = 5
const FAULTY_MS = 15_000

/** Seeds that go with the commit, so that each commit tries others; those of a fixed number without git. */
function drawnSeeds(): number[] {
  let hash = '5eed5eed'
  try {
    hash = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    // The tests may run from a copy without a history.
    assert.ok(error instanceof Error)
  }
  const first = parseInt(hash.slice(0, 7), 16)
  return Array.from({ length: DRAWN }, (_, i) => first + i)
}

async function runAll(seeds: readonly number[]): Promise<RunFigures[]> {
  const all: RunFigures[] = []
  for (const seed of seeds) {
    try {
      all.push(await new StoreRun(seed, FAULTY_MS).run())
    } catch (error) {
      const again = `npm run sim -- --seed ${seed} --short`
      throw new Error(`${again}: ${String(error)}`, { cause: error })
    }
  }
  return all
}

function total(all: readonly RunFigures[], key: keyof RunFigures): number {
  return all.reduce((sum, figures) => sum + figures[key], 0)
}

test('whatever the disk does and whenever a store dies, it keeps what it promised', async (t) => {
  const drawn = drawnSeeds()
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
