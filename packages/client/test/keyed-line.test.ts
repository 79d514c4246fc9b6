import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyedLine } from '../src/consumer/keyed-line.ts'
import { ProcessQueue } from '../src/consumer/process-queue.ts'
import { pulledOf } from '../src/consumer/pulled-message.ts'
import type { Waiting } from '../src/consumer/task.ts'
import type { ReceivedMessage } from '../src/message.ts'

const queue = new ProcessQueue({ topic: 'T', brokerName: 'b', queueId: 0 }, 0)

function task(key: string | undefined, at = 0, of = queue): Waiting {
  const message = { tag: key, queueOffset: at, body: Buffer.of(1) }
  return { queue: of, pulled: pulledOf(message as unknown as ReceivedMessage) }
}

const line = (): KeyedLine => new KeyedLine(({ tag }) => tag)
const at = (each: Waiting | undefined): number | undefined => each?.pulled.queueOffset

test('one message of a key is out at a time, and others pass by', () => {
  const keyed = line()
  const all = [task('a', 0), task('a', 1), task('b', 2), task(undefined, 3), task(undefined, 4)]
  for (const each of all) keyed.push(each)
  const first = keyed.shift() as Waiting
  assert.deepEqual([at(first), ...[1, 2, 3].map(() => at(keyed.shift()))], [0, 2, 3, 4])
  assert.equal(keyed.shift(), undefined)
  keyed.ended(first)
  assert.equal(at(keyed.shift()), 1)
})

test('whatever comes and ends in whatever order, no key is out twice, and each key keeps its order', () => {
  const keys = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined })
  const steps = fc.array(
    fc.oneof(
      keys.map((key) => ({ key })),
      fc.nat(9).map((end) => ({ end })),
    ),
  )
  fc.assert(
    fc.property(steps, fc.nat(3), (all, atOnce) => {
      const keyed = line()
      const out: Waiting[] = []
      const left: Waiting[] = []
      let pushed = 0
      const take = (most: number): void => {
        while (out.length < most) {
          const next = keyed.shift()
          if (next === undefined) return
          const { tag } = next.pulled.read()
          assert.ok(tag === undefined || !out.some(({ pulled }) => pulled.read().tag === tag))
          out.push(next)
          left.push(next)
        }
      }
      const end = (n: number): void => {
        const [ended] = out.splice(n % Math.max(1, out.length), 1)
        if (ended !== undefined) keyed.ended(ended)
      }
      for (const step of all) {
        if ('end' in step) end(step.end)
        else keyed.push(task(step.key, pushed++))
        take(atOnce + 1)
      }
      while (out.length > 0) {
        end(0)
        take(atOnce + 1)
      }
      assert.equal(left.length, pushed)
      for (const key of ['a', 'b', 'c']) {
        const offsets = left.filter(({ pulled }) => pulled.read().tag === key).map(at)
        assert.deepEqual(
          offsets,
          [...offsets].sort((one, other) => Number(one) - Number(other)),
        )
      }
    }),
  )
})

test('messages of a queue that was given up leave nobody waiting', () => {
  const keyed = line()
  const gone = new ProcessQueue({ topic: 'T', brokerName: 'b', queueId: 1 }, 0)
  const first = task('a', 0)
  for (const each of [first, task('a', 1, gone), task('a', 2, gone), task('a', 3)]) keyed.push(each)
  assert.equal(keyed.shift(), first)
  gone.drop()
  keyed.ended(first)
  assert.equal(at(keyed.shift()), 3)
})

test('one that is held keeps its key until it comes back', () => {
  const keyed = line()
  keyed.push(task('a', 0))
  keyed.push(task('a', 1))
  const first = keyed.shift() as Waiting
  const held = { ...first }
  first.lane = undefined
  keyed.ended(first)
  assert.equal(keyed.shift(), undefined)
  keyed.push(held)
  assert.equal(keyed.shift(), held)
  keyed.ended(held)
  assert.equal(at(keyed.shift()), 1)
})

test('whatever a function of keys throws or gives goes with its message', () => {
  const odd: (() => unknown)[] = [
    () => {
      throw Object.create(null)
    },
    () => Promise.reject(new Error('too late')),
    () => 7,
    () => null,
    () => Symbol('x'),
    () => ({ toString: () => 'x' }),
  ]
  for (const keyOf of odd) {
    const keyed = new KeyedLine(keyOf as () => string)
    keyed.push(task('a', 5))
    const out = keyed.shift()
    assert.equal(at(out), 5)
    assert.notEqual(out?.thrown, undefined)
  }
})
