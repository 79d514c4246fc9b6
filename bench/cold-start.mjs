// What a start costs: after a kill with a million messages, with 100 GiB of log and 10,000 queues, and with 20,000
// queues where a process may open 1024 files. It should grow with neither: a start reads what was not on disk a
// second before the kill, and of each queue a page.
//
//   node bench/cold-start.mjs [--messages 1000000] [--only kill|large|files]
import { spawnSync } from 'node:child_process'
import { mkdirSync, openSync, closeSync, ftruncateSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { choosePorts, scratchDirectory } from '../test/conformance/lib/processes.mjs'
import { startBroker, startNameServer } from '../test/conformance/skylark.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    only: { type: 'string' },
  },
})
const GIB = 2 ** 30

/** Runs a child to its end; `limit` is how many files it may open. */
function run(script, args, limit) {
  const command = [process.execPath, '--expose-gc', join(here, 'cold-start', script), ...args]
  const line =
    limit === undefined ? command : ['sh', '-c', `ulimit -n ${limit}; exec "$@"`, 'sh', ...command]
  const done = spawnSync(line[0], line.slice(1), { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (done.stderr !== '') console.error(done.stderr)
  if (done.status !== 0 && done.signal !== 'SIGKILL')
    throw new Error(`${script} ended with ${done.status}`)
  return done.stdout
}

const opened = (directory) => JSON.parse(run('open.mjs', [directory]))

/** As `opened` where a process may open few files; reads from each of so many queues. */
function openedAndRead(directory, limit, queues) {
  const found = JSON.parse(run('open.mjs', [directory, '--read'], limit))
  if (found.queues !== queues || found['queues read'] !== queues)
    throw new Error(`${queues} queues were written: ${JSON.stringify(found)}`)
  return found
}

/** Empty files of a log, each with nothing but the mark that the next one follows. */
function makeSparseLog(directory, files) {
  mkdirSync(join(directory, 'commitlog'), { recursive: true })
  const blank = Buffer.alloc(8)
  blank.writeInt32BE(GIB, 0)
  blank.writeUInt32BE(0xcbd43194, 4)
  for (let i = 0; i < files; i++) {
    const file = openSync(join(directory, 'commitlog', String(i * GIB).padStart(20, '0')), 'w')
    ftruncateSync(file, GIB)
    if (i < files - 1) writeSync(file, blank, 0, 8, 0)
    closeSync(file)
  }
}

/** The broker itself, from its start to its ready file. */
async function brokerReadyMs(data) {
  const scratch = scratchDirectory('cold-start')
  const [nameServerPort, port] = await choosePorts(2)
  const server = await startNameServer({ dir: scratch.path, port: nameServerPort })
  try {
    const dir = join(data, '..')
    const startedAt = performance.now()
    const broker = await startBroker({ dir, port, nameServer: server.address })
    const ms = Math.round(performance.now() - startedAt)
    await broker.stop('SIGKILL')
    return ms
  } finally {
    await server.stop()
    scratch.remove()
  }
}

const measures = {
  async kill(directory) {
    const data = join(directory, 'data')
    run('fill.mjs', [data, '--messages', values.messages, '--end', 'kill'])
    const ms = await brokerReadyMs(data)
    console.log(
      `broker ready ${ms} ms after its start, with ${values.messages} messages of 1 KiB, killed`,
    )
    run('fill.mjs', [data, '--messages', '200000', '--end', 'kill'])
    console.log('200,000 more, killed:', opened(data))
    console.log('stopped in order:    ', opened(data))
  },
  large(directory) {
    makeSparseLog(directory, 101)
    run('fill.mjs', [
      directory,
      '--messages',
      '100000',
      '--topics',
      '1000',
      '--queues',
      '10',
      '--end',
      'stop',
    ])
    console.log('100 GiB of log, 10,000 queues, stopped in order:', opened(directory))
    const more = ['--messages', '20000', '--topics', '1000', '--queues', '10', '--end', 'kill']
    run('fill.mjs', [directory, ...more, '--settle-ms', '15000'])
    console.log('killed:                                         ', opened(directory))
  },
  files(directory) {
    const many = ['--messages', '40000', '--topics', '2000', '--queues', '10', '--body', '64']
    run('fill.mjs', [directory, ...many, '--end', 'kill'], 1024)
    for (const end of ['killed', 'in order'])
      console.log(`20,000 queues, 1024 open files, ${end}:`, openedAndRead(directory, 1024, 20_000))
  },
}

for (const [name, measure] of Object.entries(measures)) {
  if (values.only !== undefined && values.only !== name) continue
  const scratch = scratchDirectory('cold-start')
  try {
    await measure(scratch.path)
  } finally {
    rmSync(scratch.path, { recursive: true, force: true })
  }
}
