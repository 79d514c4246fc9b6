/**
 * npm run disk-use: a broker on file systems that keep part of themselves back, as reserved blocks and quotas do. What
 * it takes for the disk's use is what `df` says, and files go from the use on at which Apache's broker lets them go.
 *
 *   --make apache|skylark|both    (both)
 *
 * Needs a user who may mount a loop device, and Java for Apache's side. A broker deletes
 * nothing in its first minute, so that a make takes a minute and a half.
 */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  utimesSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import * as apache from '../conformance/apache/apache.mjs'
import { choosePorts, scratchDirectory } from '../conformance/lib/processes.mjs'
import { ask, openConnection, sendFields } from '../conformance/lib/remoting.mjs'
import * as skylark from '../conformance/skylark.mjs'

const GET_BROKER_RUNTIME_INFO = 28
const SEND_MESSAGE_V2 = 310
const MIB = 1024 * 1024
const FIRST_LOOK_MS = 62_000
const LOOK_MS = 2000
/** Shares of the disk, as `df` has them, and whether files whose time is over may be there. */
const STEPS = [
  { use: 51, keeps: true },
  { use: 74.5, keeps: true },
  { use: 76.5, keeps: false },
]
/** Share of the blocks that is kept back: a half, as a small quota on a large disk. */
const RESERVED_PERCENT = 50

const { values: options } = parseArgs({ options: { make: { type: 'string', default: 'both' } } })
const makes = options.make === 'both' ? ['apache', 'skylark'] : [options.make]
const seen = new Map()
for (const make of makes) seen.set(make, await onDiskOf(make))
const wrong = [...seen.values()].flat().filter((each) => !each.isRight)
console.log(`${seen.size * STEPS.length - wrong.length} passed, ${wrong.length} failed`)
process.exitCode = wrong.length === 0 ? 0 : 1

async function onDiskOf(make) {
  const scratch = scratchDirectory(`disk-use-${make}`)
  const [image, mount] = [join(scratch.path, 'image'), join(scratch.path, 'disk')]
  mkdirSync(mount)
  const fd = openSync(image, 'w')
  ftruncateSync(fd, 512 * MIB)
  closeSync(fd)
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', String(RESERVED_PERCENT), image])
  execFileSync('mount', ['-o', 'loop', image, mount])
  try {
    return await show(make, mount)
  } finally {
    execFileSync('umount', [mount])
    scratch.remove()
  }
}

async function show(make, mount) {
  const settings = {
    brokerName: 'broker-a',
    mappedFileSizeCommitLog: MIB,
    mappedFileSizeConsumeQueue: 6000,
    maxIndexNum: 1000,
    maxHashSlotNum: 1000,
    timerWheelEnable: false,
    fileReservedTime: 1,
    // Never: what goes, goes because the disk is full.
    deleteWhen: '99',
    cleanResourceInterval: 1000,
    deleteCommitLogFilesInterval: 0,
  }
  const start = (make === 'apache' ? apache : skylark).startCluster
  const cluster = await start({
    dir: join(mount, 'cluster'),
    ports: await choosePorts(2),
    settings,
  })
  const steps = []
  try {
    await fill(cluster.brokerAddress)
    const log = join(
      mount,
      'cluster',
      make === 'apache' ? 'broker/store' : 'data/store',
      'commitlog',
    )
    const logOf = () => readdirSync(findLog(mount, log))
    const age = () => {
      const old = Date.now() / 1000 - 100 * 3600
      for (const name of logOf()) {
        try {
          utimesSync(join(findLog(mount, log), name), old, old)
        } catch (error) {
          // A broker that has begun to delete is ahead of us.
          if (error.code !== 'ENOENT') throw error
        }
      }
    }
    age()
    const files = logOf().length
    await pause(FIRST_LOOK_MS)
    for (const { use, keeps } of STEPS) {
      growTo(mount, use)
      age()
      await pause(3 * LOOK_MS)
      const told = Number((await runtimeInfo(cluster.brokerAddress)).commitLogDiskRatio)
      const said = dfPercent(mount)
      const kept = logOf().length === files
      const isRight = kept === keeps && (!keeps || Math.abs(told * 100 - said) <= 1.01)
      steps.push({ keeps: kept, isRight })
      console.log(
        `${isRight ? 'ok   ' : 'WRONG'} ${make}: df ${said.toFixed(1)} %, the broker ${told}, ` +
          `${logOf().length} of ${files} files of the log are there`,
      )
    }
  } finally {
    await cluster.stop()
  }
  return steps
}

/** Where the log is: ours lies in the data folder itself. */
function findLog(mount, guess) {
  const found = execFileSync('find', [mount, '-type', 'd', '-name', 'commitlog'], {
    encoding: 'utf8',
  })
  return found.trim().split('\n')[0] || guess
}

/** Twenty files of the log. */
async function fill(address) {
  const connection = openConnection(address)
  const body = Buffer.alloc(64 * 1024, 'x')
  const fields = sendFields('DiskUse')
  for (let i = 0; i < 300; i++) {
    const { header } = await connection.request(SEND_MESSAGE_V2, fields, body)
    if (header.code !== 0) throw new Error(`a send was answered ${header.code}: ${header.remark}`)
  }
  connection.close()
}

async function runtimeInfo(address) {
  const { body } = await ask(address, GET_BROKER_RUNTIME_INFO)
  return JSON.parse(body.toString()).table
}

/** Bytes that `df` says are used, and may still be used. */
function df(mount) {
  const said = execFileSync('df', ['-B1', '--output=used,avail', mount], { encoding: 'utf8' })
  return said.trim().split('\n')[1].trim().split(/\s+/).map(Number)
}

/** Use as `df` reckons it, not rounded: used of used and available. */
function dfPercent(mount) {
  const [used, available] = df(mount)
  return (100 * used) / (used + available)
}

/** Adds what is missing to this use. */
function growTo(mount, percent) {
  const [used, available] = df(mount)
  const more = Math.floor(((used + available) * percent) / 100 - used)
  if (more <= 0) return
  const path = join(mount, `ballast-${percent}`)
  rmSync(path, { force: true })
  execFileSync('fallocate', ['-l', String(more), path])
}
