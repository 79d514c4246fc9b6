// Safeguards that can be taken away, one at a time. `from` stands once in the built file; `to` takes its place. `found` is
// what finds it: a simulation, and a seed of it.

/** @typedef {{ name: string, why: string, file: string, from: string, to: string, found: { kind: string, seed: number, short?: boolean } }} Planted */

/** @type {readonly Planted[]} */
export const planted = [
  {
    name: 'cache-resync',
    why: 'a queue or index file whose sync failed is written again from the log before the checkpoint says that it is on disk',
    file: 'packages/store/dist/src/upkeep/checkpointer.js',
    from: 'writeCachesAgain(this.#parts, checkpoint.point);',
    to: ';',
    found: { kind: 'stores', seed: 4, short: true },
  },
  {
    name: 'offset-truncation',
    why: 'committed offsets never point behind the end of a queue that a crash or a cut made shorter',
    file: 'packages/broker/dist/src/open-context.js',
    from: 'offsets.clamp((topic, queueId) => store.offsetMax(topic, queueId));',
    to: ';',
    found: { kind: 'system', seed: 54 },
  },
  {
    name: 'holds-if-written',
    why: 'an answer that rests on a write of this turn is taken back when the write fails',
    file: 'packages/remoting/dist/src/connection.js',
    from: 'this.#provisional.add(start, this.#sink.length, opaque);',
    to: ';',
    found: { kind: 'system', seed: 3 },
  },
  {
    name: 'queue-lock-expiry',
    why: 'the lock of a queue ends when its member does not renew it any more',
    file: 'packages/broker/dist/src/consumer/queue-lock-table.js',
    from: 'return this.#clock.monotonic() - lock.renewedMs > EXPIRY_MS;',
    to: 'return false;',
    found: { kind: 'system', seed: 11, short: true },
  },
  {
    name: 'close-on-timeout',
    why: 'a connection by which nothing comes any more is closed, and made again',
    file: 'packages/remoting/dist/src/silence.js',
    from: 'giveUp(now - this.#heardMs);',
    to: 'void giveUp;',
    found: { kind: 'system', seed: 42, short: true },
  },
  {
    name: 'end-transaction-once',
    why: 'a transaction whose end is told twice is ended once',
    file: 'packages/broker/dist/src/transaction/transactions.js',
    from: 'const state = table.stateOf(half);',
    to: "const state = 'open';",
    found: { kind: 'transactions', seed: 1, short: true },
  },
]
