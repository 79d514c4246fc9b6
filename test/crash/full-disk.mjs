/** A real broker on a small file system that runs full: it refuses, serves, restarts, and goes on once there is room. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { choosePorts, scratchDirectory } from '../conformance/lib/processes.mjs'
import { startCluster } from '../conformance/skylark.mjs'
import { Acknowledged, startLoad, verify } from './load.mjs'

const topic = 'full'
const queueCount = 4
const LIMIT_MS = 60_000

/**
 * Runs it; returns sentences of what was seen, `problems` among them. Returns undefined, and why, when this user may
 * not mount a file system.
 */
export async function fullDisk(check) {
  const scratch = scratchDirectory('full')
  const data = join(scratch.path, 'data')
  mkdirSync(data)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', data], { stdio: 'ignore' })
  } catch {
    scratch.remove()
    return undefined
  }
  try {
    return await onSmallDisk(scratch.path, data, check)
  } finally {
    execFileSync('umount', [data])
    scratch.remove()
  }
}

async function onSmallDisk(dir, data, check) {
  const seen = []
  const problems = []
  const [smallBallast, ballast] = [join(data, 'ballast-1'), join(data, 'ballast-2')]
  // Without either the disk is less than 90 % full, from where on messages are refused.
  writeFileSync(smallBallast, Buffer.alloc(16 * 1024 * 1024))
  writeFileSync(ballast, Buffer.alloc(16 * 1024 * 1024))
  const acknowledged = new Acknowledged(queueCount)
  const settings = {
    defaultTopicQueueNums: queueCount,
    mappedFileSizeCommitLog: 4 * 1024 * 1024,
    cleanFileForciblyEnable: false,
  }
  const cluster = await startCluster({ dir, ports: await choosePorts(2), settings })
  const pid = () => cluster.brokerPid()
  const expect = (isSo, sentence) => void (isSo ? seen : problems).push(sentence)
  const readBack = async (when) => {
    const address = cluster.brokerAddress
    const found = await verify({ address, topic, acknowledged, from: [], seen: new Set() })
    const isWhole = found.lost + found.gaps + found.twice === 0 && found.read > 0
    expect(isWhole, `${when}: ${found.read} messages read, lost ${found.lost}`)
  }
  const base = { topic, connections: 4, window: 32, bodyBytes: 1024, acknowledged }
  let load = startLoad({ ...base, address: cluster.brokerAddress, first: 1 })
  const before = pid()
  await until(() => load.state.refused > 0)
  expect(load.state.refused > 0, `refused: ${[...load.state.remarks][0]}`)
  expect(
    /ENOSPC|full/.test([...load.state.remarks].join()),
    'the remark says that the disk is full',
  )
  await readBack('with a full disk')
  const goOn = async (path, when) => {
    const count = acknowledged.count
    rmSync(path)
    await until(() => {
      load.nudge()
      return acknowledged.count > count + 1000
    })
    const more = acknowledged.count - count
    expect(more > 1000, `${when}, sends go on once there is room: ${more} more`)
  }
  await goOn(smallBallast, 'by themselves')
  const { refused } = load.state
  await until(() => {
    load.nudge()
    return load.state.refused > refused + 100
  })
  await load.stop()
  expect(cluster.brokerPid() === before, 'it was one process all along')
  await readBack('full once more')
  await cluster.restartBroker({}, 'SIGKILL')
  await readBack('after a kill, with a full disk')
  load = startLoad({ ...base, address: cluster.brokerAddress, first: load.next() })
  await goOn(ballast, 'after the kill')
  await load.stop()
  await readBack('at the end')
  expect(before !== undefined && process.kill(pid(), 0), 'the process lives')
  await cluster.stop()
  expect(check(data) === 0, 'store check finds nothing')
  return { seen, problems }
}

async function until(isSo) {
  for (const end = Date.now() + LIMIT_MS; Date.now() < end && !isSo();) await pause(100)
}
