import assert from 'node:assert/strict'
import type { SimRandom } from '@skylarkmq/env/sim'
import type { MessageStore } from '@skylarkmq/store'
import type { Sent } from '../ledger.ts'

const LOOKED_UP = 40

/** Messages that are in the queues are found by their key: some of them, as each look-up reads a chain. */
export function checkKeysAreFound(
  store: MessageStore,
  queues: ReadonlyMap<string, readonly Sent[]>,
  random: SimRandom,
): void {
  const all = [...queues.values()].flat()
  for (let i = 0; i < Math.min(LOOKED_UP, all.length); i++) {
    const { id, topic } = random.pick(all)
    const { records } = store.queryByKey(topic, `key${id}`, 8, 0, Number.MAX_SAFE_INTEGER)
    assert.ok(records.length > 0, `message ${id} is found by its key`)
  }
}
