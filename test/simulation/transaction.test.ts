import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransactionRun } from './transaction-run.ts'
import type { TransactionFigures } from './transaction-run.ts'

const SEEDS = 8
const FAULTY_MS = 20_000

async function runSeed(seed: number): Promise<TransactionFigures> {
  try {
    return await new TransactionRun(seed, FAULTY_MS).run()
  } catch (error) {
    const again = `npm run sim -- --transactions --seed ${seed} --short`
    throw new Error(`${again}: ${String(error)}`, { cause: error })
  }
}

test('whenever a broker or a producer dies, each transaction ends once, as its producer decided', async () => {
  const all: TransactionFigures[] = []
  for (let seed = 1; seed <= SEEDS; seed++) all.push(await runSeed(seed))
  const total = (key: keyof TransactionFigures): number =>
    all.reduce((sum, figures) => sum + figures[key], 0)
  for (const key of ['committed', 'rolledBack', 'checks', 'endsAgain', 'lostOnTheWay'] as const) {
    assert.ok(total(key) > 100, `the runs did something: ${key}`)
  }
  for (const key of ['brokerDeaths', 'powerCuts', 'producerDeaths'] as const) {
    assert.ok(total(key) > 0, `the runs did something: ${key}`)
  }
})
