/**
 * What the bench does: the generator's arguments, how many messages a round has, and how many with `--quick`
 * (none: it is left out). `bar` is the ratio of CPU time to Apache's that we want to keep.
 */
const send = (name, connections, outstanding, count, quick, more) => ({
  name: `send ${name} ${connections} x ${outstanding}`,
  mode: 'send',
  connections,
  outstanding,
  count,
  quick,
  size: 1024,
  ...more,
})

/** Those of a broker that answers before its messages are on disk. */
export const asyncWorkloads = [
  send('1 KiB', 1, 1, 30_000, 15_000, { bar: 5 }),
  send('1 KiB', 16, 1, 100_000, 50_000, { bar: 5 }),
  send('1 KiB', 16, 64, 250_000, 150_000, { bar: 7 }),
  send('1 KiB mixed clients', 16, 64, 250_000, 0, { bar: 5, mixed: true }),
  send('128 B', 1, 1, 30_000, 0, { bar: 5, size: 128 }),
  send('128 B', 16, 1, 100_000, 0, { bar: 5, size: 128 }),
  send('128 B', 16, 64, 250_000, 0, { size: 128 }),
  send('4 KiB', 16, 64, 100_000, 0, { bar: 5, size: 4096 }),
  send('1 KiB batches of 32', 4, 4, 512_000, 256_000, { bar: 2.5, batch: 32 }),
  send('1 KiB 1,000 queues', 16, 64, 250_000, 0, { bar: 4, topics: 125 }),
  send('1 KiB 10,000 queues', 16, 64, 250_000, 0, { bar: 4, topics: 1250 }),
  ...[8, 1].map((connections) => ({
    name: `pull 1 KiB, consumers: ${connections}`,
    mode: 'pull',
    connections,
    outstanding: 1,
    count: connections === 1 ? 500_000 : 2_000_000,
    quick: connections === 1 ? 300_000 : 1_000_000,
    bar: connections === 1 ? 2 : 3,
  })),
  ...[1000, 10_000].map((rate) => ({
    name: `end to end, ${rate.toLocaleString('en')}/s`,
    mode: 'e2e',
    rate,
    connections: 1,
    outstanding: 1,
    size: 1024,
    count: rate * 10,
    quick: rate === 1000 ? 5000 : 0,
    bar: rate === 1000 ? 3 : 2.5,
  })),
]

/** Those of a broker that waits for the disk. */
export const syncWorkloads = [
  send('SYNC_FLUSH 1 KiB', 16, 1, 10_000, 0, { bar: 8 }),
  send('SYNC_FLUSH 1 KiB', 16, 64, 30_000, 10_000, { bar: 8 }),
]
