import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DelayedRun } from './delayed-run.ts'
import type { DelayedFigures } from './delayed-run.ts'
import { drawnSeeds, runSeeds } from './seeds.ts'

const FIXED = 8
const DRAWN = 3
const FAULTY_MS = 20_000

test('whatever happens to a broker and its clock, each timer message is delivered once, and none early', async (t) => {
  const drawn = drawnSeeds(DRAWN)
  t.diagnostic(`drawn seeds: ${drawn.join(', ')}`)
  const seeds = [...Array.from({ length: FIXED }, (_, i) => i + 1), ...drawn]
  const all = await runSeeds(seeds, '--delayed', (seed) => new DelayedRun(seed, FAULTY_MS))
  const total = (key: keyof DelayedFigures): number =>
    all.reduce((sum, figures) => sum + figures[key], 0)
  for (const key of ['byLevel', 'byTime', 'delivered'] as const) {
    assert.ok(total(key) > 100, `the runs did something: ${key}`)
  }
  for (const key of [
    'recalled',
    'deaths',
    'powerCuts',
    'stops',
    'jumpsBack',
    'jumpsForward',
  ] as const) {
    assert.ok(total(key) > 0, `the runs did something: ${key}`)
  }
})
