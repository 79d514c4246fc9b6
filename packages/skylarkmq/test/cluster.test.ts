import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { RocketMQ } from '@skylarkmq/client'
import { parse } from 'yaml'
import { folderFor, run, runOn, serverFor, type Ended } from './command-line.ts'

/** A server with a topic of three messages, of which a group has consumed two. */
async function scene(t: TestContext) {
  const { namesrvAddr } = await serverFor(t)
  const at = ['-n', namesrvAddr]
  await run('topic', 'create', 'Orders', '--queues', '2', ...at)
  const mq = new RocketMQ({ nameServers: namesrvAddr })
  t.after(() => mq.close())
  const producer = await mq.producer()
  const ids: string[] = []
  for (const body of ['one', 'two', 'three']) {
    const message = { topic: 'Orders', body, tag: 'a', keys: [`k-${body}`], shardingKey: 'same' }
    ids.push((await producer.send(message)).msgId)
  }
  const admin = mq.admin()
  await run('group', 'create', 'billing', ...at)
  await admin.groups.resetOffsets('billing', 'Orders', { to: 'first' })
  const cli = (...args: readonly string[]): Promise<Ended> => run(...args, ...at)
  const people = (...args: readonly string[]): Promise<Ended> => runOn(100, [...args, ...at])
  return { admin, at, cli, ids, mq, namesrvAddr, people, producer }
}

const json = ({ out }: Ended): unknown => JSON.parse(out)

test('topics are created, listed, described and deleted', async (t) => {
  const { cli, people } = await scene(t)
  assert.deepEqual(json(await cli('topic', 'list', '-o', 'json')), [
    { topic: 'Orders', kind: 'own' },
  ])
  assert.match((await cli('topics', 'ls', '--all', '-o', 'name')).out, /^TBW102$/m)
  const described = json(await cli('topic', 'describe', 'Orders', '-o', 'json'))
  const { topic, queues, messages } = described as Record<string, unknown>
  assert.deepEqual([topic, queues, messages], ['Orders', 2, 3])
  const table = await people('topic', 'queues', 'Orders')
  assert.match(table.out, /^QUEUE +MIN OFFSET +MAX OFFSET +MESSAGES +LAST MESSAGE\n/)
  assert.equal(table.out.trimEnd().split('\n').length, 3)
  const dry = await people('topic', 'delete', 'Orders', '--dry-run')
  assert.match(dry.out, /^Would delete Orders with 3 messages, consumed by 1 group\./)
  const unsure = await cli('topic', 'delete', 'Orders')
  assert.deepEqual([unsure.code, unsure.out], [2, ''])
  assert.match(unsure.error, /Add --yes/)
  assert.equal((await cli('topic', 'delete', 'Orders', '--yes')).code, 0)
  assert.deepEqual(json(await cli('topic', 'list', '-o', 'json')), [])
})

test('what is not there ends with code 3 and the name that may have been meant; with json, in a document', async (t) => {
  const { cli, ids } = await scene(t)
  const unknown = `${ids[0]?.slice(0, -4)}FFFF`
  for (const args of [
    ['topic', 'describe', 'Ordres'],
    ['topic', 'route', 'Ordres'],
    ['topic', 'delete', 'Ordres', '--yes'],
    ['group', 'lag', 'billin'],
    ['group', 'delete', 'billin', '--yes'],
    ['message', 'get', unknown, '--topic', 'Orders'],
    ['message', 'find', '--topic', 'Orders', '--key', 'none'],
    ['broker', 'describe', 'broker'],
    ['config', 'get', 'noSuchSetting'],
    ['explain', 'noSuchWord'],
  ]) {
    const isOffline = args[0] === 'explain'
    const ended = isOffline ? await run(...args) : await cli(...args)
    assert.deepEqual([args, ended.code, ended.out], [args, 3, ''])
    assert.match(ended.error, /^error .+\n.+/, args.join(' '))
    if (isOffline) continue
    const document = await cli(...args, '-o', 'json')
    assert.equal(document.code, 3)
    const { error } = JSON.parse(document.out) as { error: Record<string, string> }
    assert.ok(error['code'] && error['title'] && error['detail'] && error['advice'], args.join(' '))
  }
  assert.match((await cli('topic', 'route', 'Ordres')).error, /Did you mean Orders\?/)
  assert.match((await cli('group', 'lag', 'billin')).error, /Did you mean billing\?/)
})

test('a name server that is not there is code 4, with json a document', async () => {
  const { code, out } = await run('topic', 'list', '-n', '127.0.0.1:1', '-o', 'json')
  assert.equal(code, 4)
  assert.equal((JSON.parse(out) as { error: { code: string } }).error.code, 'RMQ_NAME_SERVER')
})

test('the lag of a group is shown by queue, and checked against limits', async (t) => {
  const { cli, people } = await scene(t)
  const shown = await people('group', 'lag', 'billing')
  assert.match(shown.out, /^billing {3}0 members {3}3 behind\n/)
  assert.match(shown.out, /^Orders {2}\S+\/\d +3 +0 +3 +–$/m)
  const rows = json(await cli('group', 'lag', 'billing', '-o', 'json')) as { lag: number }[]
  assert.equal(
    rows.reduce((sum, { lag }) => sum + lag, 0),
    3,
  )
  assert.equal((await cli('group', 'lag', 'billing', '--max', '3')).code, 0)
  assert.equal((await cli('group', 'lag', 'billing', '--max', '2')).code, 7)
})

test('offsets are reset as the dry run said', async (t) => {
  const { admin, cli, people } = await scene(t)
  const dry = await people('group', 'reset', 'billing', '--to', 'last', '--dry-run')
  assert.match(dry.out, /^Orders {2}\S+\/\d +0 +3 {2}skips 3$/m)
  assert.match(dry.out, /Would skip 3 and repeat 0\. Nothing was changed/)
  assert.equal((await admin.groups.lag('billing')).lag, 3)
  assert.equal((await cli('group', 'reset', 'billing', '--to', 'last', '--yes')).code, 0)
  assert.equal((await admin.groups.lag('billing')).lag, 0)
})

test('messages are found by id and key, browsed by text, tag and expression, and traced through groups', async (t) => {
  const { cli, ids } = await scene(t)
  const [, second = ''] = ids
  const got = json(await cli('message', 'get', second, '--topic', 'Orders', '-o', 'json'))
  assert.equal((got as Record<string, unknown>)['body'], 'two')
  const found = json(
    await cli('message', 'find', '--topic', 'Orders', '--key', 'k-two', '-o', 'json'),
  )
  assert.equal((found as { msgId: string }[])[0]?.msgId, second)
  const bodies = async (...flags: readonly string[]): Promise<string[]> => {
    const { out } = await cli('message', 'browse', 'Orders', '-o', 'jsonl', ...flags)
    return out
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { body: string }).body)
  }
  assert.deepEqual(await bodies(), ['one', 'two', 'three'])
  assert.deepEqual(await bodies('--text', 'e'), ['one', 'three'])
  assert.deepEqual(await bodies('--tag', 'b'), [])
  assert.deepEqual(await bodies('--count', '1'), ['one'])
  assert.deepEqual(await bodies('--from', '-1h', '--to', '-30m'), [])
  const life = json(await cli('message', 'life', second, '--topic', 'Orders', '-o', 'json'))
  assert.deepEqual(life, [{ group: 'billing', track: 'offline', retries: 0 }])
})

test('dead letters are listed by group and sent again', async (t) => {
  const { admin, cli, mq } = await scene(t)
  await admin.groups.create('billing', { retryMaxTimes: 0 })
  const consumer = await mq.consumer({
    group: 'billing',
    subscriptions: { Orders: '*' },
    consumeFrom: 'first',
    maxReconsumeTimes: 0,
  })
  await consumer.run(() => {
    throw new Error('no')
  })
  const count = async (): Promise<number> => {
    const listed = json(await cli('dlq', 'list', '-o', 'json')) as { messages: number }[]
    return listed[0]?.messages ?? 0
  }
  while ((await count()) < 3) await new Promise((resolve) => setImmediate(resolve))
  await consumer.close()
  const browsed = await cli('dlq', 'browse', 'billing', '-o', 'jsonl')
  assert.equal(browsed.out.trimEnd().split('\n').length, 3)
  const dry = json(
    await cli('dlq', 'replay', 'billing', '--text', 'two', '--dry-run', '-o', 'json'),
  )
  assert.deepEqual(dry, { group: 'billing', replayed: 1, skipped: 2, isDone: false })
  const limited = await cli('dlq', 'replay', 'billing', '--count', '1', '--yes')
  assert.equal(limited.code, 2, 'a limit that would not hold is refused')
  await cli('topic', 'create', 'Again')
  const done = json(
    await cli(
      'dlq',
      'replay',
      'billing',
      '--text',
      'two',
      '--topic',
      'Again',
      '--yes',
      '-o',
      'json',
    ),
  )
  assert.deepEqual(done, { group: 'billing', replayed: 1, skipped: 2, isDone: true })
  const again = json(await cli('message', 'browse', 'Again', '-o', 'json')) as { body: string }[]
  assert.deepEqual(
    again.map(({ body }) => body),
    ['two'],
  )
})

test('delayed messages and open transactions are counted', async (t) => {
  const { cli, mq, producer } = await scene(t)
  await producer.send({ topic: 'Orders', body: 'later', delay: '2h' })
  await producer.send({ topic: 'Orders', body: 'later', delayLevel: 18 })
  const transactions = await mq.transactionProducer({ group: 'shop', check: () => 'unknown' })
  await transactions.send({ topic: 'Orders', body: 'half' }, () => 'unknown')
  const waits = async (): Promise<{ what: string; messages: number }[]> =>
    json(await cli('delay', 'list', '-o', 'json')) as { what: string; messages: number }[]
  while ((await waits()).length < 2) await new Promise((resolve) => setImmediate(resolve))
  const found = (await waits()).map(({ what, messages }) => `${what}: ${messages}`)
  assert.deepEqual(found, ['Orders: 1', 'level 18 (2h): 1'])
  const open = json(await cli('tx', 'list', '-o', 'json')) as Record<string, unknown>[]
  assert.deepEqual(
    [open.length, open[0]?.['topic'], open[0]?.['producerGroup']],
    [1, 'Orders', 'shop'],
  )
})

test('brokers are listed, are healthy, and their settings are read and changed', async (t) => {
  const { cli, people } = await scene(t)
  const [broker] = json(await cli('cluster', 'status', '-o', 'json')) as Record<string, unknown>[]
  assert.equal(broker?.['role'], 'master')
  assert.equal(broker['state'], 'up')
  assert.equal((await people('cluster', 'health')).out, 'Healthy: 1 broker answers.\n')
  const value = async (key: string): Promise<string> =>
    (await cli('config', 'get', key)).out.trimEnd().split('\t').at(-1) ?? ''
  assert.equal(await value('maxMessageSize'), '4194304')
  const dry = await cli('config', 'set', 'maxMessageSize=1000', '--dry-run')
  assert.match(dry.out, /^maxMessageSize\t4194304\t1000$/m)
  assert.equal((await cli('config', 'set', 'maxMessageSize=1000', '--yes')).code, 0)
  assert.equal(await value('maxMessageSize'), '1000')
})

test('each format has the same rows', async (t) => {
  const { cli } = await scene(t)
  const rows = json(await cli('topic', 'queues', 'Orders', '-o', 'json')) as Record<
    string,
    unknown
  >[]
  const yaml = parse((await cli('topic', 'queues', 'Orders', '-o', 'yaml')).out) as unknown
  assert.deepEqual(yaml, rows)
  const jsonl = (await cli('topic', 'queues', 'Orders', '-o', 'jsonl')).out.trimEnd().split('\n')
  assert.deepEqual(
    jsonl.map((line) => JSON.parse(line) as unknown),
    rows,
  )
  const csv = (await cli('topic', 'queues', 'Orders', '-o', 'csv')).out.trimEnd().split('\n')
  assert.equal(csv[0], Object.keys(rows[0] ?? {}).join(','))
  assert.equal(csv[1], Object.values(rows[0] ?? {}).join(','))
  const names = (await cli('topic', 'queues', 'Orders', '-o', 'name')).out.trimEnd().split('\n')
  assert.deepEqual(
    names,
    rows.map(({ queue }) => queue),
  )
  const tabs = (await cli('topic', 'queues', 'Orders')).out.trimEnd().split('\n')
  assert.equal(tabs[1]?.split('\t')[2], String(rows[0]?.['maxOffset']))
})

test('a context is kept for its owner alone, and used where no address is given', async (t) => {
  const { namesrvAddr } = await scene(t)
  const file = path.join(folderFor(t), 'skylark', 'contexts.json')
  const before = process.env['NAMESRV_ADDR']
  delete process.env['NAMESRV_ADDR']
  process.env['SKYLARK_CONTEXTS'] = file
  t.after(() => {
    delete process.env['SKYLARK_CONTEXTS']
    if (before !== undefined) process.env['NAMESRV_ADDR'] = before
  })
  assert.equal((await run('context', 'add', 'dev', '-n', namesrvAddr)).code, 0)
  assert.equal((await run('context', 'add', 'gone', '-n', '127.0.0.1:1')).code, 0)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(json(await run('topic', 'list', '-o', 'json')), [
    { topic: 'Orders', kind: 'own' },
  ])
  assert.equal((await run('topic', 'list', '--context', 'gone')).code, 4)
  assert.equal((await run('context', 'use', 'none')).code, 3)
  assert.equal((await run('context', 'add', 'a b', '-n', namesrvAddr)).code, 2)
  await run('context', 'use', 'gone')
  assert.equal((await run('topic', 'list')).code, 4)
  await run('context', 'remove', 'gone')
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { current?: string; contexts: object[] }
  assert.deepEqual([kept.current, kept.contexts.length], [undefined, 1])
})

test('completion offers commands, flags, choices, and the names that the cluster has', async (t) => {
  const { namesrvAddr } = await scene(t)
  const before = process.env['NAMESRV_ADDR']
  process.env['NAMESRV_ADDR'] = namesrvAddr
  t.after(() => {
    if (before === undefined) delete process.env['NAMESRV_ADDR']
    else process.env['NAMESRV_ADDR'] = before
  })
  const offered = async (...words: readonly string[]): Promise<string[]> => {
    const { out } = await run('__complete', '--', ...words)
    return out.split('\n').filter((line) => line !== '')
  }
  assert.ok((await offered('')).includes('topic'))
  assert.deepEqual(await offered('topic', 'des'), ['describe'])
  assert.deepEqual(await offered('topic', 'describe', ''), ['Orders'])
  assert.deepEqual(await offered('group', 'lag', 'b'), ['billing'])
  assert.deepEqual(await offered('group', 'lag', 'billing', '--topic', 'O'), ['Orders'])
  assert.deepEqual(await offered('topic', 'list', '-o', 'j'), ['json', 'jsonl'])
  assert.ok((await offered('group', 'reset', 'billing', '--')).includes('--dry-run'))
  for (const shell of ['bash', 'zsh', 'fish']) {
    assert.match((await run('completion', shell)).out, /skylark __complete/)
  }
})

test('codes and settings are explained, and help has pages', async () => {
  assert.match((await run('explain', '17')).out, /^17 TOPIC_NOT_EXIST +answer\n/)
  assert.match((await run('explain', 'topic_not_exist')).out, /Look: skylark topic list/)
  assert.match((await run('explain', 'SEND_MESSAGE')).out, /request to a broker/)
  assert.match((await run('explain', 'flushdisktype')).out, /Default ASYNC_FLUSH/)
  assert.match((await run('help', 'exit')).out, /^ *7 {2}a check found something/m)
  assert.match((await run('help', 'group', 'lag')).out, /--max-age/)
  assert.equal((await run('help', 'nothing')).code, 2)
})
