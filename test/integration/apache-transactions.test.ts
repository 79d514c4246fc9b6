import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Producer, PushConsumer, type ReceivedMessage } from '@skylarkmq/client'
import { atEnd, Collector, folderFor, serverFor } from './cluster.ts'

const golden = fileURLToPath(new URL('../../../packages/store/test/golden/', import.meta.url))
const sizes = ['mappedFileSizeCommitLog=1048576', 'mappedFileSizeConsumeQueue=4000']

// The folder's broker was asked about two of its transactions and stopped before it heard of them.
test('transactions that an Apache 4.9 broker left open are asked about, and delivered when committed', async (t) => {
  const data = folderFor(t)
  execFileSync('tar', ['-xzf', path.join(golden, 'v4.9.tar.gz'), '-C', data])
  // They have been open for long; the new one is never old enough to be asked about.
  const set = [...sizes, 'transactionCheckInterval=200', 'fileReservedTime=1000000']
  const { namesrvAddr } = await serverFor(t, { data, set })
  const asked = new Collector<ReceivedMessage>()
  const producer = new Producer({
    namesrvAddr,
    group: 'PG_tx',
    checkTransaction: (message) => {
      asked.add(message)
      return 'commit'
    },
  })
  atEnd(t, () => producer.close())
  await producer.sendInTransaction({ topic: 'TopicTrans', body: 'new' }, () => 'commit')
  const got = new Collector<ReceivedMessage>()
  const consumer = new PushConsumer({ namesrvAddr, group: 'G', consumeFrom: 'first' })
  atEnd(t, () => consumer.close())
  consumer.subscribe('TopicTrans')
  await consumer.start((message) => {
    got.add(message)
  })
  await asked.atLeast(2)
  await got.atLeast(5)
  assert.deepEqual(got.items.map((each) => each.body.toString()).sort(), [
    'new',
    'tx COMMIT_MESSAGE 1',
    'tx COMMIT_MESSAGE 4',
    'tx UNKNOW 3',
    'tx UNKNOW 5',
  ])
  const bodies = new Set(asked.items.map((each) => each.body.toString()))
  assert.deepEqual([...bodies].sort(), ['tx UNKNOW 3', 'tx UNKNOW 5'])
})
