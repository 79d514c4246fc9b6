import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeProperties, Property, TIMER_TOPIC } from '@skylarkmq/protocol'
import { timerSlotOf } from '@skylarkmq/store'
import type { StoreConfig } from '@skylarkmq/store'
import {
  ROOT,
  goldenStore,
  message,
  putOk,
  smallConfig,
  startStore,
  stopAndCheck,
  testEnv,
} from '@skylarkmq/store/test-support'
import type { TestEnv } from '@skylarkmq/store/test-support'
import { examineStore, inspectTimers, planRepair, problemKinds, repairStore } from '../src/index.ts'
import type { ProblemKind } from '../src/index.ts'

const COUNT = 100
const LOG = `${ROOT}/timerlog/00000000000000000000`
const WHEEL = `${ROOT}/timerwheel`
const CHECK = `${ROOT}/config/timercheck`
const UNIT_BYTES = 52
const SLOT_BYTES = 32

interface Waiting {
  readonly env: TestEnv
  readonly config: StoreConfig
  readonly begin: number
}

async function pass(env: TestEnv, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 50) {
    env.clock.advance(50)
    env.endTurn()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A stopped store in which messages wait, two in each second. */
async function waitingStore(): Promise<Waiting> {
  const env = testEnv()
  const config = smallConfig({ mappedFileSizeTimerLog: 8192 })
  const store = await startStore(env, config)
  const begin = env.clock.now()
  for (let i = 0; i < COUNT; i++) {
    const deliverMs = begin + 60_000 + i * 500
    const properties = {
      [Property.UNIQ_KEY]: `m${i}`,
      [Property.TIMER_DELIVER_MS]: String(deliverMs),
      [Property.TIMER_OUT_MS]: String(timerSlotOf(deliverMs, 1000)),
      [Property.REAL_TOPIC]: 'T',
      [Property.REAL_QID]: '0',
    }
    const text = `m${i}`
    putOk(
      env,
      store,
      message({ topic: TIMER_TOPIC, properties: encodeProperties(properties), text }),
    )
  }
  await pass(env, 2_000)
  await stopAndCheck(env, store, config)
  return { env, config, begin }
}

/** Changes bytes of a file. */
function change(env: TestEnv, path: string, f: (bytes: Buffer) => void): void {
  const bytes = env.disk.readFile(path) as Buffer
  f(bytes)
  env.disk.writeFile(path, bytes)
}

/** Position in the wheel's file of the first slot that is in use. */
function usedSlot(bytes: Buffer): number {
  for (let at = 0; at < bytes.length; at += SLOT_BYTES) {
    if (bytes.readBigInt64BE(at) > 0n) return at
  }
  throw new Error('no slot is in use')
}

/** Every message comes once. */
async function allCome({ env, config, begin }: Waiting): Promise<void> {
  const store = await startStore(env, config)
  while (env.clock.now() < begin + 60_000 + COUNT * 500 + 2_000) await pass(env, 1_000)
  assert.equal(store.offsetMax('T', 0), COUNT)
  await stopAndCheck(env, store, config)
}

function kindsOf({ env, config }: Waiting): ProblemKind[] {
  return [...new Set(examineStore(env.disk, config).problems.map(({ kind }) => kind))]
}

const damages: readonly (readonly [string, ProblemKind, (env: TestEnv) => void])[] = [
  [
    'a slot leads behind the end of the timer log',
    'timer-wheel',
    (env) => {
      change(env, WHEEL, (bytes) => bytes.writeBigInt64BE(6_000_000n, usedSlot(bytes) + 16))
    },
  ],
  [
    'a slot leads to the units of another one',
    'timer-wheel',
    (env) => {
      change(env, WHEEL, (bytes) => {
        const at = usedSlot(bytes)
        bytes.copy(bytes, at + 16, at + SLOT_BYTES + 16, at + SLOT_BYTES + 24)
      })
    },
  ],
  [
    'the wheel has another size',
    'timer-wheel',
    (env) => {
      env.disk.writeFile(WHEEL, Buffer.alloc(4096))
    },
  ],
  [
    'a unit is torn',
    'timer-log',
    (env) => {
      change(env, LOG, (bytes) => bytes.fill(0, 40 * UNIT_BYTES, 40 * UNIT_BYTES + 20))
    },
  ],
  [
    'a chain does not end',
    'timer-log',
    (env) => {
      change(env, LOG, (bytes) => {
        bytes.writeBigInt64BE(BigInt(50 * UNIT_BYTES), 50 * UNIT_BYTES + 4)
      })
    },
  ],
  [
    'the check point is ahead of the timer log',
    'timer-check',
    (env) => {
      change(env, LOG, (bytes) => bytes.fill(0, 90 * UNIT_BYTES))
    },
  ],
]

for (const [what, kind, damage] of damages) {
  test(`a check says that ${what}; after a repair each message comes once`, async () => {
    const waiting = await waitingStore()
    const { env, config } = waiting
    assert.deepEqual(kindsOf(waiting), [])
    damage(env)
    assert.ok(kindsOf(waiting).includes(kind), kindsOf(waiting).join())
    assert.match(problemKinds[kind], /skylark store repair/)
    const { report, kept } = await repairStore(env, config, {})
    assert.deepEqual(report.problems, [])
    assert.ok(kept.some((name) => name.includes('timerwheel.before-repair-')))
    await allCome(waiting)
  })
}

test('a unit whose message is not in the log is named, and is nothing that a repair mends', async () => {
  const waiting = await waitingStore()
  const { env, config } = waiting
  change(env, LOG, (bytes) => bytes.writeBigInt64BE(7n, 10 * UNIT_BYTES + 28))
  const { problems } = examineStore(env.disk, config)
  assert.deepEqual(
    problems.map(({ kind, where }) => [kind, where]),
    [['timer-unit', `timerlog ${10 * UNIT_BYTES}`]],
  )
  const plan = planRepair(env.disk, config, {})
  assert.equal(plan.timers, 'nothing')
  assert.equal(plan.left.length, 1)
})

test('what waits can be looked at, in the order of its slots', async () => {
  const { env, config, begin } = await waitingStore()
  const { summary } = examineStore(env.disk, config)
  assert.equal(summary.waiting, COUNT)
  const found = inspectTimers(env.disk, config, { count: 5 })
  assert.equal(found.waiting, COUNT)
  assert.equal(found.logUnits, COUNT)
  assert.equal(found.queueOffset, COUNT)
  assert.deepEqual(
    found.next.map(({ dueMs, what }) => [(dueMs ?? 0) - begin, what]),
    [0, 1, 2, 3, 4].map((i) => [60_000 + i * 500, 'deliver']),
  )
  const later = inspectTimers(env.disk, config, { from: begin + 100_000, count: 1 })
  assert.ok((later.next[0]?.dueMs ?? 0) > begin + 100_000)
})

test('a store without waiting messages has nothing to check, and one of Apache is sound', () => {
  const { env, config } = goldenStore('extras')
  const { problems, notes } = examineStore(env.disk, config)
  assert.deepEqual(problems, [])
  assert.match(notes.join('\n'), /no timer wheel; the next start rebuilds it/)
  assert.ok(inspectTimers(env.disk, config).logUnits > 0)
  const clean = goldenStore('clean')
  assert.equal(inspectTimers(clean.env.disk, clean.config).logUnits, 0)
  env.disk.remove(CHECK)
  assert.deepEqual(examineStore(env.disk, config).problems, [])
})
