import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { memoryDisk, type Disk } from '@skylarkmq/env'
import { manualClock, type ManualClock } from '@skylarkmq/env/sim'
import { decodeRecords } from '@skylarkmq/protocol'
import { passUntil, testBroker, type Peer } from './support/broker.ts'

/** What a kill leaves: the files as they are. */
function copyOf(disk: Disk, clock: ManualClock): Disk {
  const copy = memoryDisk(() => clock.now())
  const copyBelow = (directory: string): void => {
    copy.makeDirectory(directory)
    for (const { name, isDirectory } of disk.list(directory)) {
      const path = `${directory}/${name}`
      if (isDirectory) copyBelow(path)
      else copy.writeFile(path, disk.readFile(path) ?? Buffer.alloc(0))
    }
  }
  copyBelow('/memory')
  return copy
}

/** Bodies and store times of all messages of a queue. */
async function readAll(peer: Peer, topic: string): Promise<{ body: string; atMs: number }[]> {
  const found: { body: string; atMs: number }[] = []
  for (;;) {
    const { body } = await peer.pull(topic, found.length, { suspendTimeoutMillis: 0, sysFlag: 4 })
    const records = decodeRecords(body ?? Buffer.alloc(0))
    if (records.length === 0) return found
    for (const each of records)
      found.push({ body: each.body.toString(), atMs: each.storeTimestamp })
  }
}

async function killed(t: TestContext, afterMs: number): Promise<void> {
  const first = await testBroker(t)
  const one = first.peer()
  const sends = Array.from({ length: 12 }, async (_, i) => {
    const sent = await one.send('T', `m${i}`, { DELAY: String(1 + (i % 2)), UNIQ_KEY: `U${i}` })
    assert.equal(sent.code, 0)
  })
  await Promise.all(sends)
  const begin = first.clock.now()
  await passUntil(first.clock, 100, () => first.clock.now() >= begin + afterMs)
  const clock = manualClock(first.clock.now())
  const second = await testBroker(t, { disk: copyOf(first.disk, first.clock), clock })
  const { store } = second.context
  await passUntil(clock, 100, () => store.offsetMax('T', 0) >= 12)
  await passUntil(clock, 500, () => clock.now() >= begin + 12_000)
  const found = await readAll(second.peer(), 'T')
  const bodies = found.map(({ body }) => Number(body.slice(1)))
  assert.deepEqual(
    bodies.sort((a, b) => a - b),
    Array.from({ length: 12 }, (_, i) => i),
  )
  for (const { body, atMs } of found) {
    const delayMs = Number(body.slice(1)) % 2 === 0 ? 1_000 : 5_000
    assert.ok(atMs - begin >= delayMs - 100, `${body} came after ${atMs - begin} ms`)
  }
  await second.stop()
  await first.stop()
}

for (const afterMs of [0, 1_000, 1_100, 2_500, 5_000, 5_200, 7_500]) {
  test(`after a kill ${afterMs} ms after the sends each delayed message comes once`, async (t) => {
    await killed(t, afterMs)
  })
}

test('a clock that is set back makes a delay neither longer nor shorter', async (t) => {
  const base = manualClock()
  let setBackMs = 0
  const clock: ManualClock = {
    ...base,
    now: () => base.now() - setBackMs,
    advance: (ms) => {
      base.advance(ms)
    },
  }
  const { peer, context } = await testBroker(t, { clock })
  const one = peer()
  await one.send('T', 'later', { DELAY: '2' })
  const begin = base.monotonic()
  await passUntil(clock, 100, () => base.monotonic() >= begin + 2_000)
  setBackMs = 3_600_000
  await passUntil(clock, 100, () => context.store.offsetMax('T', 0) === 1)
  const waited = base.monotonic() - begin
  assert.ok(waited >= 5_000 && waited <= 6_200, String(waited))
})
