import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const { problemsOfRecords } = (await import(
  pathToFileURL(path.join(root, 'scripts/test-records.mjs')).href
)) as { problemsOfRecords: (root: string, folder: string) => Promise<string[]> }

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'skylark-records-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** What is wrong with some answers, but for requests that nobody asked. */
async function wrong(t: TestContext, ...keys: string[]): Promise<string[]> {
  const folder = folderFor(t)
  writeFileSync(path.join(folder, '1.json'), JSON.stringify(keys.map((key) => [key, 1])))
  const problems = await problemsOfRecords(root, folder)
  return problems.filter((each) => !each.endsWith('is asked by no test'))
}

test('answers that their rows allow are well', async (t) => {
  assert.deepEqual(
    await wrong(
      t,
      'GET_MAX_OFFSET 0 offset',
      'GET_MAX_OFFSET 29 ',
      'SEND_MESSAGE 0 MSG_REGION,TRACE_ON,msgId,queueId,queueOffset,transactionId',
      'SEND_MESSAGE 17 MSG_REGION',
      'OF_A_TEST 99 x',
    ),
    [],
  )
})

test('a code, a field or a lack of one that the row does not know is told', async (t) => {
  assert.deepEqual(await wrong(t, 'GET_MAX_OFFSET 17 ', 'GET_MAX_OFFSET 0 else'), [
    'GET_MAX_OFFSET was answered with TOPIC_NOT_EXIST, which is not in its row',
    'GET_MAX_OFFSET was answered with the field else, which is not in its row',
    'GET_MAX_OFFSET was answered without the field offset, which its row requires',
  ])
})

test('a request that a server serves and nobody asked is told', async (t) => {
  const folder = folderFor(t)
  writeFileSync(path.join(folder, '1.json'), '[["GET_MAX_OFFSET 0 offset",1]]')
  const problems = await problemsOfRecords(root, folder)
  assert.ok(problems.includes('PULL_MESSAGE is asked by no test'))
  assert.ok(problems.includes('REGISTER_BROKER is asked by no test'))
  assert.ok(!problems.some((each) => each.startsWith('GET_MAX_OFFSET')))
  // Served by nobody.
  assert.ok(!problems.some((each) => each.startsWith('ADD_BROKER')))
})

test('the recorder writes down what a server of the process answered, once it ends', (t) => {
  const folder = folderFor(t)
  const recorder = pathToFileURL(path.join(root, 'scripts/test-recorder.mjs')).href
  const program = `
    import { startServer } from '@skylarkmq/testing'
    const server = await startServer({ topics: { T: 1 } })
    const producer = await server.client().producer()
    await producer.send({ topic: 'T', body: 'b' })
    await server.close()`
  execFileSync(process.execPath, ['--import', recorder, '--input-type=module', '--eval', program], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', SKYLARK_RECORD: folder },
  })
  assert.equal(readdirSync(folder).length, 1)
  const [file = ''] = readdirSync(folder)
  const seen = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as [string, number][]
  const sends = seen.filter(([key]) => key.startsWith('SEND_MESSAGE_V2 0 '))
  assert.deepEqual(
    sends.map(([key, count]) => [key.includes('msgId'), count]),
    [[true, 1]],
  )
})
