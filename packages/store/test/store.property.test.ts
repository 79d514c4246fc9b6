import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeRecord } from '@skylarkmq/protocol'
import { PutMessageStatus } from '../src/index.ts'
import type { MessageStore } from '../src/index.ts'
import { assertSound, message, readAll, smallConfig, startStore } from './support/stores.ts'
import { hostFailure, testEnv } from './support/test-env.ts'

const SEED = 48_151
const TOPICS = ['TopicA', 'TopicB', `%RETRY%${'long'.repeat(35)}`]
const QUEUES = 3

type Step =
  | {
      readonly kind: 'put'
      readonly topic: number
      readonly queueId: number
      readonly size: number
    }
  | {
      readonly kind: 'batch'
      readonly topic: number
      readonly queueId: number
      readonly count: number
    }
  | { readonly kind: 'endTurn' | 'restart' | 'kill' | 'failWrites' | 'healWrites' }
  | { readonly kind: 'pass'; readonly ms: number }

const where = { topic: fc.nat(TOPICS.length - 1), queueId: fc.nat(QUEUES - 1) }
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('put' as const), ...where, size: fc.nat(3000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('batch' as const),
      ...where,
      count: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 6, arbitrary: fc.constant<Step>({ kind: 'endTurn' }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(20_000) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'restart' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'kill' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'failWrites' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'healWrites' }) },
)

/** What a correct store holds: bodies by queue, and those of the turn that has not ended. */
class Model {
  readonly stored = new Map<string, string[]>()
  staged: [queue: string, body: string][] = []
  acknowledged = 0

  stage(queue: string, body: string): void {
    this.staged.push([queue, body])
  }

  commit(): void {
    for (const [queue, body] of this.staged) {
      this.stored.set(queue, [...(this.stored.get(queue) ?? []), body])
      this.acknowledged++
    }
    this.staged = []
  }
}

class Run {
  readonly config = smallConfig({
    mappedFileSizeCommitLog: 16 * 1024,
    logTailMemoryBytes: 64 * 1024,
    readCacheMemoryBytes: 256 * 1024,
    maxOpenQueueFiles: 4,
  })
  readonly model = new Model()
  env = testEnv()
  store!: MessageStore
  #bodies = 0

  async open(): Promise<void> {
    this.store = await startStore(this.env, this.config)
  }

  async do(step: Step): Promise<void> {
    switch (step.kind) {
      case 'put':
      case 'batch':
        this.#put(step)
        break
      case 'endTurn':
        this.#endTurn()
        break
      case 'pass':
        this.#endTurn()
        this.env.clock.advance(step.ms)
        break
      case 'failWrites':
        this.env.fault = (operation) => (operation === 'write' ? hostFailure('ENOSPC') : undefined)
        break
      case 'healWrites':
        this.#heal()
        break
      case 'restart':
        this.#heal()
        this.#endTurn()
        await this.store.shutdown()
        assertSound(this.env, this.config)
        await this.open()
        await this.compare()
        break
      case 'kill':
        // What is staged dies with the process; the page cache lives on.
        this.model.staged = []
        this.env = this.env.kill()
        await this.open()
        await this.compare()
        break
    }
  }

  #heal(): void {
    this.#endTurn()
    this.env.fault = undefined
    // The index is the last to be tried again, after 5 s.
    this.env.clock.advance(5000)
    assert.equal(this.store.whyNotWriteable(), undefined)
  }

  #put(step: Step & { kind: 'put' | 'batch' }): void {
    const topic = TOPICS[step.topic] as string
    const queue = `${topic}:${step.queueId}`
    const count = step.kind === 'put' ? 1 : step.count
    const sizes = new Array<number>(count).fill(step.kind === 'put' ? step.size : 700)
    const bodies = sizes.map((size) => `${this.#bodies++} ${'x'.repeat(size)}`)
    const batch = bodies.map((text) => {
      const properties = Buffer.from(`UNIQ_KEY\x01${text.split(' ')[0]}\x02`)
      return message({ topic, queueId: step.queueId, text, properties })
    })
    const isBatch = step.kind === 'batch'
    const result = isBatch
      ? this.store.putMessages(batch)
      : this.store.putMessage(batch[0] as never)
    assert.ok(!(result instanceof Promise))
    if (result.status !== PutMessageStatus.PUT_OK) return
    const stagedBefore = this.model.staged.filter(([each]) => each === queue).length
    assert.equal(result.queueOffset, (this.model.stored.get(queue)?.length ?? 0) + stagedBefore)
    for (const body of bodies) this.model.stage(queue, body)
  }

  #endTurn(): void {
    let failure: unknown
    this.env.turn.sends((each) => (failure = each))
    this.env.endTurn()
    if (failure === undefined) this.model.commit()
    else this.model.staged = []
  }

  /** Every queue has every message that was acknowledged, in order, and can be asked for it by key. */
  async compare(): Promise<void> {
    for (const [queue, bodies] of this.model.stored) {
      const [topic = '', id = ''] = queue.split(':')
      const { records, queueOffsets } = await readAll(this.store, topic, Number(id))
      const found = records.map((record) => decodeRecord(record).body.toString())
      assert.deepEqual(found, bodies, queue)
      assert.deepEqual(queueOffsets, [...bodies.keys()], queue)
      assert.equal(this.store.offsetMax(topic, Number(id)), bodies.length)
    }
  }
}

test(`Whatever happens, a store has what it acknowledged (seed ${SEED})`, async () => {
  let acknowledged = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
      const run = new Run()
      await run.open()
      for (const each of steps) await run.do(each)
      await run.do({ kind: 'restart' })
      acknowledged += run.model.acknowledged
      await run.store.shutdown()
    }),
    { seed: SEED, numRuns: 60 },
  )
  assert.ok(acknowledged > 1000, 'the runs did something')
})
