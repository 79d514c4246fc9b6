import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@skylarkmq/env/sim'
import { askInTurn } from '../src/wire/ask-in-turn.ts'

const PATIENCE_MS = 1_000

/** Three who are asked; the test answers for them. */
function three() {
  const clock = manualClock()
  const asked: number[] = []
  const answers: { resolve: (value: string) => void; reject: (error: Error) => void }[] = []
  const outcome = askInTurn<string>({
    clock,
    order: [0, 1, 2],
    patienceMs: PATIENCE_MS,
    ask: (who) => {
      asked.push(who)
      return new Promise((resolve, reject) => {
        answers.push({ resolve, reject })
      })
    },
    isEnough: (value) => value === 'all',
    isAskedAgain: ({ message }: Error) => message === 'lost',
  })
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const say = async (at: number, value: string | Error): Promise<void> => {
    if (value instanceof Error) answers[at]?.reject(value)
    else answers[at]?.resolve(value)
    await settled()
  }
  return { clock, asked, outcome, say }
}

test('while the first one answers enough, nobody else is asked', async () => {
  const { clock, asked, outcome, say } = three()
  clock.advance(PATIENCE_MS - 1)
  await say(0, 'all')
  assert.equal(await outcome, 'all')
  clock.advance(10 * PATIENCE_MS)
  assert.deepEqual(asked, [0])
})

test('the next one is asked at once after an error or too little, and beside one that says nothing', async () => {
  const { clock, asked, outcome, say } = three()
  await say(0, new Error('refused'))
  assert.deepEqual(asked, [0, 1])
  clock.advance(PATIENCE_MS)
  assert.deepEqual(asked, [0, 1, 2])
  await say(2, 'little')
  await say(1, 'all')
  assert.equal(await outcome, 'all')
})

test('too little counts once nobody else says more, and is not waited longer with than usual', async () => {
  const every = three()
  for (const at of [0, 1, 2]) await every.say(at, at === 1 ? 'little' : new Error('refused'))
  assert.equal(await every.outcome, 'little')
  const { clock, outcome, say } = three()
  clock.advance(PATIENCE_MS)
  clock.advance(PATIENCE_MS)
  clock.advance(PATIENCE_MS)
  await say(2, 'little')
  clock.advance(PATIENCE_MS)
  assert.equal(await outcome, 'little')
})

test('when all fail the last error is thrown, and one whose connection was lost is asked once more', async () => {
  const { asked, outcome, say } = three()
  const failed = assert.rejects(outcome, /last/)
  await say(0, new Error('lost'))
  await say(1, new Error('refused'))
  await say(2, new Error('refused'))
  assert.deepEqual(asked, [0, 1, 2, 0])
  await say(3, new Error('the last'))
  await failed
})
