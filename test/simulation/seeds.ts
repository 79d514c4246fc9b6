import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'

/** Seeds that go with the commit, so that each commit tries others; those of a fixed number without git. */
export function drawnSeeds(count: number): number[] {
  let hash = '5eed5eed'
  try {
    hash = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    // The tests may run from a copy without a history.
    assert.ok(error instanceof Error)
  }
  const first = parseInt(hash.slice(0, 7), 16)
  return Array.from({ length: count }, (_, i) => first + i)
}

/** Runs each seed and returns what they did. Rejects with the command that shows the first failure again. */
export async function runSeeds<Figures>(
  seeds: readonly number[],
  asked: string,
  runOf: (seed: number) => { run(): Promise<Figures> },
): Promise<Figures[]> {
  const all: Figures[] = []
  for (const seed of seeds) {
    try {
      all.push(await runOf(seed).run())
    } catch (error) {
      const again = `npm run sim -- --seed ${seed} --short ${asked}`.trim()
      throw new Error(`${again}: ${String(error)}`, { cause: error })
    }
  }
  return all
}
