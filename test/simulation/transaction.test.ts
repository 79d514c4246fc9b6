import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSeeds } from './seeds.ts'
import { TransactionRun } from './transaction-run.ts'
import type { TransactionFigures } from './transaction-run.ts'

const SEEDS = 8
const FAULTY_MS = 20_000

test('whenever a broker or a producer dies, each transaction ends once, as its producer decided', async () => {
  const seeds = Array.from({ length: SEEDS }, (_, i) => i + 1)
  const all = await runSeeds(seeds, '--transactions', (seed) => new TransactionRun(seed, FAULTY_MS))
  const total = (key: keyof TransactionFigures): number =>
    all.reduce((sum, figures) => sum + figures[key], 0)
  for (const key of ['committed', 'rolledBack', 'checks', 'endsAgain', 'lostOnTheWay'] as const) {
    assert.ok(total(key) > 100, `the runs did something: ${key}`)
  }
  for (const key of ['brokerDeaths', 'powerCuts', 'producerDeaths'] as const) {
    assert.ok(total(key) > 0, `the runs did something: ${key}`)
  }
})
