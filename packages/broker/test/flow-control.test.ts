import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
import { manualClock } from '@skylarkmq/env/sim'
import {
  defaultsOf,
  GetBrokerRuntimeInfo,
  kvTableBody,
  ResponseCode,
  UpdateBrokerConfig,
} from '@skylarkmq/protocol'
import { storeOptions, type StoreConfig } from '@skylarkmq/store'
import { FlowControl } from '../src/flow/flow-control.ts'
import { until } from './support/broker.ts'
import { slowBroker } from './support/slow-disk.ts'

test('with a sync that hangs, a bounded number of sends waits, the next are queued, then refused with the reason', async (t) => {
  const { peer, clock, context, state, release } = await slowBroker(t, {
    flushDiskType: 'SYNC_FLUSH',
    putThreadPoolQueueCapacity: 3,
  })
  const [producer, consumer] = [peer(), peer()]
  assert.equal((await producer.send('T', 'first')).code, 0)
  state.hangs = true
  const sends = Array.from({ length: 6 }, (_, i) => producer.send('T', `message ${i}`))
  const lane = context.lanes.of('send')
  await until(() => lane.unanswered + lane.queued === 6)
  assert.equal(lane.unanswered, 3)
  const pulled = await consumer.pull('T', 0)
  assert.equal(pulled.code, 0, 'a consumer is served')
  const info = await consumer.ask(GetBrokerRuntimeInfo, {})
  const table = kvTableBody.decode(info.body ?? Buffer.alloc(0)).table
  assert.equal(table.get('sendThreadPoolQueueSize'), '3')
  clock.advance(200)
  const refused = await Promise.all(sends.slice(3))
  for (const { code, remark } of refused) {
    assert.equal(code, ResponseCode.SYSTEM_BUSY)
    assert.match(
      remark ?? '',
      /^\[TIMEOUT_CLEAN_QUEUE\]broker busy, start flow control for a while, period in queue: \d+ms, size of queue: \d, because 3 requests .*one has taken \d+ ms so far$/,
    )
  }
  clock.advance(900)
  const { code, remark } = await peer().send('T', 'late')
  assert.equal(code, ResponseCode.SYSTEM_BUSY)
  assert.match(
    remark ?? '',
    /^\[REJECTREQUEST\]system busy, start flow control for a while, because a sync of the log has taken \d+ ms so far$/,
  )
  release()
  assert.deepEqual(
    (await Promise.all(sends.slice(0, 3))).map((each) => each.code),
    [0, 0, 0],
  )
  clock.advance(100)
  assert.equal((await producer.send('T', 'again')).code, 0)
  assert.equal(context.store.offsetMax('T', 0), 5, 'what was refused is not stored')
})

test('what held the broker up turns away the sends that are read next, and those only', () => {
  const clock = manualClock()
  let lostMs = 0
  let ends: (() => void)[] = []
  const turn = {
    writes: () => undefined,
    next: () => undefined,
    sends: (end: (failure: unknown) => void) => {
      ends.push(() => {
        end(undefined)
      })
    },
  }
  const endTurn = (): void => {
    const now = ends
    ends = []
    for (const end of now) end()
  }
  const monotonic = (): number => clock.monotonic() + lostMs
  const env = { ...nodeEnv(silentEvents), clock: { ...clock, monotonic }, turn }
  const times = { lastWriteMs: 2, lastSyncMs: 0, syncingMs: undefined }
  const config = { ...defaultsOf(storeOptions), storeHost: undefined } as unknown as StoreConfig
  const flow = new FlowControl(env, config, { diskTimes: () => times })
  flow.start()
  clock.advance(1000)
  assert.equal(flow.busy(), undefined)
  lostMs += 999
  clock.advance(100)
  assert.equal(flow.busy(), undefined)
  lostMs += 1200
  clock.advance(100)
  assert.equal(flow.busy(), 'the broker was held up for 1200 ms')
  times.lastWriteMs = 1100
  assert.equal(flow.busy(), 'the last write of the log took 1100 ms')
  endTurn()
  assert.equal(flow.busy(), undefined)
  clock.advance(1000)
  assert.equal(flow.busy(), undefined)
  flow.stop()
})

test('the limits may be changed while the broker runs', async (t) => {
  const { peer, context, state, clock, release } = await slowBroker(t, {
    flushDiskType: 'SYNC_FLUSH',
  })
  const producer = peer()
  await producer.send('T', 'first')
  const text =
    'putThreadPoolQueueCapacity=1\nwaitTimeMillsInSendQueue=50\nosPageCacheBusyTimeOutMills=100000\n'
  assert.equal((await producer.ask(UpdateBrokerConfig, {}, Buffer.from(text))).code, 0)
  state.hangs = true
  const sends = [producer.send('T', 'a'), producer.send('T', 'b')]
  await until(() => context.lanes.of('send').queued === 1)
  clock.advance(50)
  assert.equal((await sends[1])?.code, ResponseCode.SYSTEM_BUSY)
  clock.advance(5000)
  assert.equal((await sends[0])?.code, ResponseCode.FLUSH_DISK_TIMEOUT)
  release()
})
