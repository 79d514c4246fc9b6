import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeProperties, Property, TIMER_TOPIC } from '@skylarkmq/protocol'
import { timerSlotOf } from '../src/index.ts'
import { SimStore } from './support/sim-store.ts'
import { message } from './support/stores.ts'

const MESSAGES = 60
const FAULTS = ['kill', 'power cut', 'restart', 'set back', 'set forward', 'nothing'] as const

/** One run of a seed: messages are sent, and things happen to their broker, until all are due. */
class TimerRun {
  readonly sim: SimStore
  readonly due = new Map<string, number>()
  readonly happened = new Set<string>()

  constructor(seed: number) {
    const config = { flushDiskType: 'SYNC_FLUSH', mappedFileSizeTimerLog: 1024 } as const
    this.sim = new SimStore({ ...config, timerRollWindowSlot: 12 }, seed)
  }

  /** A whole number from `from` up to but without `to`. */
  random(from: number, to: number): number {
    return from + Math.floor(this.sim.world.random.next() * (to - from))
  }

  /** Sends a message; it counts once it is acknowledged. */
  async send(
    key: string,
    deliverMs = this.sim.process.env.clock.now() + this.random(0, 20_000) + 1,
  ): Promise<void> {
    const properties = {
      [Property.UNIQ_KEY]: key,
      [Property.TIMER_DELIVER_MS]: String(deliverMs),
      [Property.TIMER_OUT_MS]: String(timerSlotOf(deliverMs, 1000)),
      [Property.REAL_TOPIC]: 'TopicTest',
      [Property.REAL_QID]: '0',
    }
    const whole = message({
      topic: TIMER_TOPIC,
      properties: encodeProperties(properties),
      text: key,
    })
    let status: string | undefined
    void Promise.resolve(this.sim.store.putMessage(whole)).then((result) => {
      status = result.status
    })
    for (let i = 0; i < 1000 && status === undefined; i++) await this.sim.pass(20)
    if (status === 'PUT_OK') this.due.set(key, deliverMs)
  }

  async happen(): Promise<void> {
    const what = FAULTS[this.random(0, FAULTS.length)] ?? 'nothing'
    this.happened.add(what)
    const { node } = this.sim
    switch (what) {
      case 'nothing':
        return
      case 'set back':
        node.clockOffsetMs -= this.random(100, 8_000)
        return
      case 'set forward':
        node.clockOffsetMs += this.random(100, 8_000)
        return
      case 'restart':
        await this.sim.stop()
        break
      case 'kill':
        node.kill()
        break
      case 'power cut':
        node.powerCut()
    }
    await this.sim.pass(this.random(1, 3_000))
    await this.sim.start()
  }

  async run(): Promise<void> {
    await this.sim.start()
    for (let i = 0; i < MESSAGES; i++) {
      await this.send(`m${i}`)
      await this.sim.pass(this.random(1, 400))
      if (i % 6 === 5) await this.happen()
    }
    await this.sim.pass(60_000)
  }

  /** Body and store time of what was delivered. */
  async delivered(): Promise<{ key: string; atMs: number }[]> {
    const found: { key: string; atMs: number }[] = []
    const { store } = this.sim
    for (let offset = 0; offset < store.offsetMax('TopicTest', 0); offset++) {
      const unit = store.queueUnitAt('TopicTest', 0, offset)
      const record = store.recordAt(unit?.physicalOffset ?? -1)
      assert.ok(record !== undefined)
      const key = record.toString('utf8', 88, 88 + record.readInt32BE(84))
      found.push({ key, atMs: Number(record.readBigInt64BE(56)) })
    }
    return Promise.resolve(found)
  }
}

test('through kills, power cuts, restarts and jumps of the clock each message comes once, none early', async () => {
  const happened = new Set<string>()
  for (let seed = 1; seed <= 12; seed++) {
    const run = new TimerRun(seed)
    await run.run()
    const delivered = await run.delivered()
    const times = new Map<string, number>()
    for (const { key, atMs } of delivered) {
      times.set(key, (times.get(key) ?? 0) + 1)
      const dueMs = run.due.get(key)
      if (dueMs !== undefined) assert.ok(atMs >= dueMs, `seed ${seed}: ${key} is early`)
    }
    for (const key of run.due.keys()) {
      const came = times.get(key) ?? 0
      assert.equal(came, 1, `seed ${seed}: ${key} came ${came} times`)
    }
    assert.ok(run.due.size > MESSAGES / 2)
    for (const what of run.happened) happened.add(what)
    await run.sim.stop()
  }
  assert.equal(happened.size, FAULTS.length)
})

test('what a stop put back and what was delivered then does not come again when the clock is set back', async () => {
  const run = new TimerRun(1)
  const { sim } = run
  await sim.start()
  const now = (): number => sim.process.env.clock.now()
  const slotMs = timerSlotOf(now(), 1000) + 6000
  await run.send('first', slotMs + 900)
  await run.send('second', slotMs + 1800)
  await sim.pass(slotMs + 600 - now())
  await sim.stop(100)
  await sim.start()
  await sim.pass(slotMs + 950 - now())
  assert.deepEqual(
    await keysOf(run),
    ['first'],
    'it was put back, and delivered before its new slot',
  )
  sim.node.clockOffsetMs -= 10_000
  sim.node.kill()
  await sim.start()
  await sim.pass(2000)
  assert.deepEqual(await keysOf(run), ['first'])
  await sim.pass(20_000)
  assert.deepEqual(await keysOf(run), ['first', 'second'])
})

test('what a stop put back comes at its time, also where the clock was two hours ahead before', async () => {
  const run = new TimerRun(1)
  const { sim } = run
  await sim.start()
  const now = (): number => sim.process.env.clock.now()
  sim.node.clockOffsetMs += 7_200_000
  await run.send('ahead', now() + 500)
  await sim.pass(3000)
  assert.deepEqual(await keysOf(run), ['ahead'])
  sim.node.clockOffsetMs -= 7_200_000
  await run.send('one', now() + 20_000)
  await run.send('two', now() + 40_000)
  for (let stops = 0; stops < 3; stops++) {
    await sim.stop(100)
    await sim.start()
    await sim.pass(1000)
  }
  assert.deepEqual(await keysOf(run), ['ahead'])
  await sim.pass(30_000)
  assert.deepEqual(await keysOf(run), ['ahead', 'one'])
  sim.node.kill()
  await sim.start()
  await sim.pass(30_000)
  assert.deepEqual(await keysOf(run), ['ahead', 'one', 'two'])
})

async function keysOf(run: TimerRun): Promise<string[]> {
  return (await run.delivered()).map(({ key }) => key)
}
