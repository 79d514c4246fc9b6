import assert from 'node:assert/strict'
import { afterEach } from 'node:test'
import { examineStore } from '@skylarkmq/store-tools'
import { MessageStore, PutMessageStatus, defaultStoreConfig } from '../../src/index.ts'
import type {
  GetMessageResult,
  MessageToStore,
  PutMessageResult,
  StoreConfig,
} from '../../src/index.ts'
import type { IndexSizes } from '../../src/index/index-layout.ts'
import type { TestEnv } from './test-env.ts'

/** Where the tests' stores are. */
export const ROOT = '/store'

/** A configuration with small files. */
export function smallConfig(changes: Partial<StoreConfig> = {}): StoreConfig {
  return {
    ...defaultStoreConfig(ROOT),
    mappedFileSizeCommitLog: 64 * 1024,
    mappedFileSizeConsumeQueue: 50 * 20,
    maxHashSlotNum: 100,
    maxIndexNum: 400,
    ...changes,
  }
}

export function indexSizes(config: StoreConfig): IndexSizes {
  return { slots: config.maxHashSlotNum, entries: config.maxIndexNum }
}

const unchecked = new Map<TestEnv, StoreConfig>()

// Every store that a test opens is checked when the test ends, also one that it left as a kill would.
afterEach(() => {
  const left = [...unchecked]
  unchecked.clear()
  for (const [env, config] of left) {
    env.fault = undefined
    assertSound(env, config)
  }
})

/** Says that a test leaves a store that is not sound. */
export function leftUnsound(env: TestEnv): void {
  unchecked.delete(env)
}

/** Opens and starts a store. */
export async function startStore(env: TestEnv, config: StoreConfig): Promise<MessageStore> {
  unchecked.set(env, config)
  const store = await MessageStore.open(env, config)
  store.start()
  return store
}

/** What a test makes wrong on purpose: tags codes that are those of no tag, or offsets of groups behind a cut. */
export type Except = 'tags code' | 'behind the end of the queue'

/** Stops a store and asserts that everything on its disk agrees. */
export async function stopAndCheck(
  env: TestEnv,
  store: MessageStore,
  config: StoreConfig,
  ...except: Except[]
): Promise<void> {
  await store.shutdown()
  assertSound(env, config, ...except)
}

/** Asserts that everything on a disk agrees. */
export function assertSound(env: TestEnv, config: StoreConfig, ...except: Except[]): void {
  unchecked.delete(env)
  const { problems } = examineStore(env.disk, config)
  const found = problems.filter(({ what }) => !except.some((each) => what.includes(each)))
  assert.deepEqual(found, [])
}

/** A message with a body of text; all else has a value unless given. */
export function message(changes: Partial<MessageToStore> & { text?: string } = {}): MessageToStore {
  const { text, ...fields } = changes
  return {
    topic: 'TopicTest',
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_000,
    bornHost: Uint8Array.of(10, 0, 0, 1),
    bornPort: 50_000,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(text ?? 'hello'),
    properties: Buffer.from('UNIQ_KEY\x01ID1\x02'),
    tagsCode: 0,
    waitStoreOk: true,
    ...fields,
  }
}

/** Puts a message of which the answer comes at once, and ends the turn. */
export function put(env: TestEnv, store: MessageStore, toStore: MessageToStore): PutMessageResult {
  const result = store.putMessage(toStore)
  assert.ok(!(result instanceof Promise), 'the answer comes at once under ASYNC_FLUSH')
  env.endTurn()
  return result
}

/** As `put`, and asserts that it was stored. */
export function putOk(
  env: TestEnv,
  store: MessageStore,
  toStore: MessageToStore,
): PutMessageResult {
  const result = put(env, store, toStore)
  assert.equal(result.status, PutMessageStatus.PUT_OK, result.remark)
  return result
}

/** Every record of a queue from an offset on, by as many reads as it takes. */
export async function readAll(
  store: MessageStore,
  topic: string,
  queueId: number,
  from = store.offsetMin(topic, queueId),
): Promise<{ records: Buffer[]; queueOffsets: number[] }> {
  const records: Buffer[] = []
  const queueOffsets: number[] = []
  for (let offset = from; offset < store.offsetMax(topic, queueId);) {
    const found: GetMessageResult = await store.getMessage(topic, queueId, offset, { maxCount: 32 })
    assert.ok(found.nextBeginOffset > offset, `reading goes on from ${offset}: ${found.status}`)
    // Copies, because views are valid for a turn only.
    records.push(...found.records.map((record) => Buffer.from(record)))
    queueOffsets.push(...found.queueOffsets)
    offset = found.nextBeginOffset
  }
  return { records, queueOffsets }
}

/** Lets the store bring everything to disk and write that down: old files go only after that. */
export async function checkpointed(env: TestEnv): Promise<void> {
  for (let i = 0; i < 4; i++) {
    env.clock.advance(500)
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
}
