import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import type { Disk, DiskUsage } from '@skylarkmq/env'
import { manualClock } from '@skylarkmq/env/sim'
import { inspectIndex } from '@skylarkmq/store-tools'
import { GetMessageStatus } from '../src/index.ts'
import type { MessageStore, StoreConfig } from '../src/index.ts'
import {
  ROOT,
  checkpointed,
  message,
  put,
  putOk,
  smallConfig,
  startStore,
  stopAndCheck,
} from './support/stores.ts'
import { hostFailure, testEnv } from './support/test-env.ts'
import type { TestEnv } from './support/test-env.ts'

const HOUR_MS = 3_600_000

interface Scene {
  readonly env: TestEnv
  readonly config: StoreConfig
  readonly store: MessageStore
  /** Share of the disk in use, 0 to 1. */
  used: number
  /** Of the disk of the queues, if it is another one. */
  queuesUsed: number | undefined
  usageFails: boolean
  /** What the disk says, in place of `used`. */
  usage?: DiskUsage
  readonly files: () => number
}

const free = (used: number): number => 1000 * (1 - used)

/** A store with messages in ten files of the log, written one hour apart. */
async function scene(changes: Partial<StoreConfig> = {}): Promise<Scene> {
  const clock = manualClock()
  const under = memoryDisk(() => clock.now())
  const disk: Disk = {
    ...under,
    usage: (path) => {
      if (made.usageFails) throw hostFailure('EIO')
      const used = path.endsWith('/consumequeue') ? (made.queuesUsed ?? made.used) : made.used
      return made.usage ?? { totalBytes: 1000, freeBytes: free(used), availableBytes: free(used) }
    },
  }
  const env = testEnv(disk, clock)
  const config = smallConfig({
    mappedFileSizeCommitLog: 4096,
    mappedFileSizeConsumeQueue: 100,
    maxIndexNum: 10,
    deleteWhen: '99',
    fileReservedTime: 5,
    deleteCommitLogFilesInterval: 0,
    ...changes,
  })
  const store = await startStore(env, config)
  const files = (): number => disk.list(`${ROOT}/commitlog`).length
  const made: Scene = {
    env,
    config,
    store,
    used: 0.1,
    queuesUsed: undefined,
    usageFails: false,
    files,
  }
  for (let i = 0; i < 30; i++) {
    putOk(env, store, message({ text: 'x'.repeat(1000), queueId: i % 2 }))
    if (i % 3 === 2) clock.advance(HOUR_MS)
  }
  assert.equal(files(), 10)
  await checkpointed(env)
  return made
}

// Reference: `DefaultMessageStore.java`, CleanCommitLogService; `UtilAll.java`, getDiskPartitionSpaceUsedPercent.
describe('Retention', () => {
  test('what is reserved or beyond a quota counts neither as used nor as free', async () => {
    const made = await scene({ fileReservedTime: 0 })
    const { env, config, store, files } = made
    // Half empty; only a fraction of what is free may be written. `df` says 51 %.
    made.usage = { totalBytes: 1000, freeBytes: 850, availableBytes: 144 }
    env.clock.advance(20_000)
    assert.equal(files(), 10)
    assert.equal(store.isWriteable(), true)
    assert.equal(store.runtimeInfo()['commitLogDiskRatio'], '0.52')
    // 76 %: just above `diskMaxUsedSpaceRatio`, as Apache begins.
    made.usage = { totalBytes: 1000, freeBytes: 240, availableBytes: 240 }
    env.clock.advance(20_000)
    assert.ok(files() < 10)
    await stopAndCheck(env, store, config)
  })

  test('nothing is deleted on a file system that does not say how large it is', async () => {
    const made = await scene({ fileReservedTime: 0 })
    const { env, config, store, files } = made
    made.usage = { totalBytes: 0, freeBytes: 0, availableBytes: 0 }
    env.clock.advance(20_000)
    assert.equal(files(), 10)
    await stopAndCheck(env, store, config)
  })

  test('deletes files by the time of their last change when told to, and moves the first offsets', async () => {
    const { env, config, store, files } = await scene()
    env.clock.advance(20_000)
    assert.equal(files(), 10, 'nothing goes at another hour')
    store.cleanExpiredCommitLog()
    // The blank at the end of a file is written with the first record of the next.
    assert.equal(files(), 5)
    assert.equal(store.commitLogOffsetMin, 5 * 4096)
    assert.equal(store.offsetMin('TopicTest', 0), 8)
    const found = await store.getMessage('TopicTest', 0, 0, { maxCount: 1 })
    assert.deepEqual([found.status, found.nextBeginOffset], [GetMessageStatus.OFFSET_TOO_SMALL, 8])
    assert.equal(store.recordAt(0), undefined)
    assert.equal(inspectIndex(env.disk, ROOT).length, 3)
    assert.equal(env.disk.list(`${ROOT}/consumequeue/TopicTest/0`).length, 2)
    await stopAndCheck(env, store, config)
    const again = await startStore(env, config)
    assert.equal(again.offsetMin('TopicTest', 0), 8)
    assert.equal(again.offsetMax('TopicTest', 0), 15)
    await stopAndCheck(env, again, config)
  })

  test('deletes at the hours of deleteWhen', async () => {
    const { env, config, store, files } = await scene()
    const hour = new Date(env.clock.now()).getHours()
    config.deleteWhen = `${(hour + 1) % 24};${hour}`
    env.clock.advance(config.cleanResourceInterval)
    assert.equal(files(), 5)
    await stopAndCheck(env, store, config)
  })

  test('deletes expired files at any hour when the disk is fuller than it should be', async () => {
    const made = await scene()
    made.used = 0.76
    made.env.clock.advance(made.config.cleanResourceInterval)
    assert.equal(made.files(), 5)
    await stopAndCheck(made.env, made.store, made.config)
  })

  test('deletes the oldest whatever their age when the disk is too full, a batch at a time', async () => {
    const made = await scene({ fileReservedTime: 1000, deleteFileBatchMax: 3 })
    made.used = 0.86
    made.env.clock.advance(made.config.cleanResourceInterval)
    assert.equal(made.files(), 7)
    assert.equal(made.store.isWriteable(), true)
    made.config.cleanFileForciblyEnable = false
    made.env.clock.advance(made.config.cleanResourceInterval)
    assert.equal(made.files(), 7)
    await stopAndCheck(made.env, made.store, made.config)
  })

  test('refuses messages while the disk is nearly full, and keeps the last file', async () => {
    const made = await scene({ fileReservedTime: 1000, deleteFileBatchMax: 100 })
    made.used = 0.95
    made.env.clock.advance(made.config.cleanResourceInterval)
    assert.equal(made.files(), 1)
    const refused = put(made.env, made.store, message())
    assert.equal(refused.status, 'SERVICE_NOT_AVAILABLE')
    assert.match(refused.remark ?? '', /95 % full/)
    made.used = 0.5
    made.env.clock.advance(made.config.cleanResourceInterval)
    putOk(made.env, made.store, message())
    assert.ok(
      made.env.seen.includes('store.disk.full') && made.env.seen.includes('store.disk.room'),
    )
    await stopAndCheck(made.env, made.store, made.config)
  })

  test('keeps a queue whose messages are all gone, with its numbering', async () => {
    const made = await scene({ fileReservedTime: 0 })
    putOk(made.env, made.store, message({ topic: 'Other', text: 'x'.repeat(1000) }))
    await checkpointed(made.env)
    made.store.cleanExpiredCommitLog()
    assert.equal(made.files(), 1)
    const { store } = made
    assert.equal(store.offsetMin('TopicTest', 0), 15)
    assert.equal(store.offsetMax('TopicTest', 0), 15)
    assert.equal(putOk(made.env, store, message()).queueOffset, 15)
    assert.equal(store.offsetMin('TopicTest', 0), 15)
    await stopAndCheck(made.env, store, made.config)
  })
})

describe('Deletion', () => {
  test('pauses between two files, and lets the queues follow', async () => {
    const { env, config, store, files } = await scene({ deleteCommitLogFilesInterval: 100 })
    assert.equal(store.cleanExpiredCommitLog(), 1)
    assert.equal(files(), 9)
    assert.equal(store.offsetMin('TopicTest', 0), 0)
    const gone = await store.getMessage('TopicTest', 0, 0, { maxCount: 1 })
    // The first file is gone, the queue does not know it yet: reading goes on behind it.
    assert.equal(gone.status, GetMessageStatus.FOUND)
    assert.deepEqual(gone.queueOffsets, [2])
    env.clock.advance(100)
    assert.equal(files(), 8)
    env.clock.advance(1000)
    assert.equal(files(), 5)
    assert.equal(store.offsetMin('TopicTest', 0), 8)
    await stopAndCheck(env, store, config)
  })

  test('of a whole batch ends with the store, and continues with the next one', async () => {
    const { env, config, store, files } = await scene({ deleteCommitLogFilesInterval: 100 })
    store.cleanExpiredCommitLog()
    await stopAndCheck(env, store, config)
    env.clock.advance(1000)
    assert.equal(files(), 9)
    const again = await startStore(env, config)
    assert.equal(again.offsetMin('TopicTest', 0), 2)
    again.cleanExpiredCommitLog()
    env.clock.advance(1000)
    assert.equal(files(), 5)
    await stopAndCheck(env, again, config)
  })

  test('of the messages of very many queues moves all their first offsets', async () => {
    const made = await scene({ fileReservedTime: 1000, deleteFileBatchMax: 100 })
    const { env, store } = made
    for (let i = 0; i < 600; i++) putOk(env, store, message({ topic: 'Many', queueId: i }))
    made.used = 0.86
    store.cleanExpiredCommitLog()
    env.clock.advance(100)
    const offsets = Array.from({ length: 600 }, (_, i) => store.offsetMin('Many', i))
    assert.ok(
      offsets.slice(0, 500).every((offset) => offset === 1),
      'their messages are gone',
    )
    assert.equal(offsets[599], 0, 'its message is in the last file')
    await stopAndCheck(env, store, made.config)
  })

  test('answers every offset of a queue of which a part is gone', async () => {
    const { env, config, store } = await scene()
    store.cleanExpiredCommitLog()
    const { OFFSET_TOO_SMALL, FOUND, OFFSET_OVERFLOW_ONE, OFFSET_OVERFLOW_BADLY } = GetMessageStatus
    const answers: unknown[] = []
    for (const offset of [0, 7, 8, 14, 15, 16, 99]) {
      const { status, nextBeginOffset } = await store.getMessage('TopicTest', 0, offset, {
        maxCount: 1,
      })
      answers.push([offset, status, nextBeginOffset])
    }
    assert.deepEqual(answers, [
      [0, OFFSET_TOO_SMALL, 8],
      [7, OFFSET_TOO_SMALL, 8],
      [8, FOUND, 9],
      [14, FOUND, 15],
      [15, OFFSET_OVERFLOW_ONE, 15],
      [16, OFFSET_OVERFLOW_BADLY, 15],
      [99, OFFSET_OVERFLOW_BADLY, 15],
    ])
    await stopAndCheck(env, store, config)
  })

  test('of queue files that the host refuses is tried again at the next look', async () => {
    const made = await scene()
    const remove = made.env.disk.remove.bind(made.env.disk)
    let refuses = true
    Object.assign(made.env.disk, {
      remove: (path: string) => {
        if (refuses && path.includes('/consumequeue/')) throw hostFailure('EBUSY')
        remove(path)
      },
    })
    made.store.cleanExpiredCommitLog()
    const queueFiles = (): number => made.env.disk.list(`${ROOT}/consumequeue/TopicTest/0`).length
    assert.equal(queueFiles(), 3)
    assert.equal(made.store.offsetMin('TopicTest', 0), 8)
    refuses = false
    made.env.clock.advance(made.config.cleanResourceInterval)
    assert.equal(queueFiles(), 2)
    await stopAndCheck(made.env, made.store, made.config)
  })

  test('of unused topics spares those of the broker', async () => {
    const { env, config, store } = await scene()
    for (const topic of ['SCHEDULE_TOPIC_XXXX', 'rmq_sys_wheel_timer', '%RETRY%G', 'Kept']) {
      putOk(env, store, message({ topic }))
    }
    assert.deepEqual(store.deleteUnusedTopics(new Set(['Kept'])).sort(), ['%RETRY%G', 'TopicTest'])
    assert.deepEqual(store.topics().sort(), ['Kept', 'SCHEDULE_TOPIC_XXXX', 'rmq_sys_wheel_timer'])
    const found = await store.getMessage('TopicTest', 0, 0, { maxCount: 1 })
    assert.equal(found.status, GetMessageStatus.NO_MATCHED_LOGIC_QUEUE)
    assert.equal(putOk(env, store, message()).queueOffset, 0, 'a topic that comes back begins anew')
    await stopAndCheck(env, store, config)
  })
})

describe('A disk', () => {
  test('that is too full is seen a second after the start, long before anything is deleted', async () => {
    const made = await scene()
    await made.store.shutdown()
    made.used = 0.91
    const again = await startStore(made.env, made.config)
    made.env.clock.advance(1000)
    assert.match(again.whyNotWriteable() ?? '', /commitlog is 91 % full/)
    assert.equal(made.files(), 10)
    made.used = 0.5
    made.env.clock.advance(10_000)
    assert.equal(again.whyNotWriteable(), undefined)
    await stopAndCheck(made.env, again, made.config)
  })

  test('of the queues counts as that of the log', async () => {
    const made = await scene()
    made.queuesUsed = 0.76
    made.env.clock.advance(made.config.cleanResourceInterval)
    assert.equal(made.files(), 5, 'expired files go at any hour')
    made.queuesUsed = 0.93
    made.env.clock.advance(made.config.cleanResourceInterval)
    assert.match(made.store.whyNotWriteable() ?? '', /consumequeue is 93 % full/)
    assert.equal(made.files(), 1, 'others go, too')
    await stopAndCheck(made.env, made.store, made.config)
  })

  test('that does not report its usage stops nothing', async () => {
    const made = await scene()
    made.usageFails = true
    made.env.clock.advance(made.config.cleanResourceInterval)
    assert.ok(made.env.seen.includes('store.disk.not-measured'))
    putOk(made.env, made.store, message())
    made.usageFails = false
    await stopAndCheck(made.env, made.store, made.config)
  })
})

// Nothing else says which offsets a queue has given: a power cut would let it give them again.
test('a file of the log stays until queues and index are on disk up to its end, unless the disk is too full', async () => {
  const made = await scene({ fileReservedTime: 0 })
  for (let i = 0; i < 30; i++) putOk(made.env, made.store, message({ text: 'x'.repeat(1000) }))
  const files = made.files()
  made.store.cleanExpiredCommitLog()
  assert.ok(made.files() >= files - 10 && made.files() > 8, 'what the checkpoint has goes')
  await checkpointed(made.env)
  made.store.cleanExpiredCommitLog()
  assert.equal(made.files(), 1)
  for (let i = 0; i < 6; i++) putOk(made.env, made.store, message({ text: 'x'.repeat(1000) }))
  made.used = 0.99
  made.store.cleanExpiredCommitLog()
  assert.ok(made.files() < 3)
  await stopAndCheck(made.env, made.store, made.config)
})

test('A file that cannot be deleted is left, and tried again later', async () => {
  const made = await scene()
  let refuses = true
  const remove = made.env.disk.remove.bind(made.env.disk)
  Object.assign(made.env.disk, {
    remove: (path: string) => {
      if (refuses && path.includes('/commitlog/')) throw hostFailure('EBUSY')
      remove(path)
    },
  })
  assert.equal(made.store.cleanExpiredCommitLog(), 0)
  assert.ok(made.env.seen.includes('store.commitlog.not-deleted'))
  refuses = false
  assert.equal(made.store.cleanExpiredCommitLog(), 0)
  const { redeleteHangedFileInterval, cleanResourceInterval } = made.config
  made.env.clock.advance(redeleteHangedFileInterval + cleanResourceInterval)
  assert.equal(made.files(), 5)
  await stopAndCheck(made.env, made.store, made.config)
})

test('a stop with a nearly full disk is an orderly one', async () => {
  const made = await scene({ cleanFileForciblyEnable: false })
  made.used = 0.95
  made.env.clock.advance(made.config.cleanResourceInterval)
  assert.match(made.store.whyNotWriteable() ?? '', /95 % full/)
  await stopAndCheck(made.env, made.store, made.config)
  assert.equal(made.env.disk.stat(`${ROOT}/abort`), undefined)
})
