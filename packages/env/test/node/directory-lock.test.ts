import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { directoryHolder, DirectoryLocked, nodeEnv, silentEvents } from '../../src/index.ts'
import { livingClaims } from '../../src/node/directory-claim.ts'

const { disk } = nodeEnv(silentEvents)
const OTHER_MACHINE = 'skylark.lock.00000000.aaaaaaaaaaaa'
const isUnix = process.platform !== 'win32'

function folder(t: TestContext, ...below: string[]): string {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'skylark-lock-'))
  t.after(() => {
    fs.rmSync(made, { recursive: true })
  })
  const directory = path.join(made, ...below)
  fs.mkdirSync(directory, { recursive: true })
  return directory
}

/** A process that takes a directory and keeps it; resolves once it has, or could not, with what it says. */
async function holder(
  t: TestContext,
  directory: string,
  before: readonly string[] = [],
): Promise<{ child: ChildProcess; said: string }> {
  const module = new URL('../../src/index.js', import.meta.url).href
  const program =
    `const { nodeEnv, silentEvents } = await import(${JSON.stringify(module)})\n` +
    `try { await nodeEnv(silentEvents).disk.lock(${JSON.stringify(directory)}); console.log('has it') }\n` +
    'catch (error) { console.log(error.message); process.exit() }\nsetInterval(() => {}, 1000)'
  const node = [process.execPath, '--input-type=module', '-e', program]
  const [command = '', ...args] = [...before, ...node]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [data] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, said: data.toString().trim() }
}

describe('A directory', () => {
  test('is held by one, and free again when that one releases it', async (t) => {
    const directory = folder(t)
    const lock = await disk.lock(directory)
    await assert.rejects(disk.lock(directory), DirectoryLocked)
    lock.release()
    const again = await disk.lock(directory)
    again.release()
    assert.deepEqual(fs.readdirSync(directory), [])
  })

  test('is asked for without being touched', async (t) => {
    const directory = folder(t)
    assert.equal(await directoryHolder(directory), undefined)
    const lock = await disk.lock(directory)
    assert.equal(await directoryHolder(directory), `the running process ${process.pid}`)
    lock.release()
    fs.writeFileSync(path.join(directory, 'skylark.pid'), `${2 ** 22 + 1} h skylark.lock.x\n`)
    assert.equal(await directoryHolder(directory), undefined)
    assert.deepEqual(fs.readdirSync(directory), ['skylark.pid'])
  })

  test('goes to one of many that come at one time', async (t) => {
    const directory = folder(t)
    const all = await Promise.allSettled(Array.from({ length: 12 }, () => disk.lock(directory)))
    const held = all.filter((each) => each.status === 'fulfilled')
    assert.equal(held.length, 1)
    held[0]?.value.release()
    assert.deepEqual(fs.readdirSync(directory), [])
  })

  test('is still held by a process that is stopped, and free at once when it is killed', async (t) => {
    const directory = folder(t)
    const { child, said } = await holder(t, directory)
    assert.equal(said, 'has it')
    if (isUnix) {
      child.kill('SIGSTOP')
      const words = `${directory} is in use by the running process ${child.pid}`
      await assert.rejects(disk.lock(directory), { message: words })
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    const lock = await disk.lock(directory)
    lock.release()
    assert.deepEqual(fs.readdirSync(directory), [])
  })

  test('with a path longer than the address of a socket has room for is held likewise', async (t) => {
    const directory = folder(t, 'x'.repeat(100), 'y'.repeat(100))
    const { child, said } = await holder(t, directory)
    assert.equal(said, 'has it')
    await assert.rejects(disk.lock(directory), DirectoryLocked)
    child.kill('SIGKILL')
    await once(child, 'exit')
    ;(await disk.lock(directory)).release()
    assert.deepEqual(fs.readdirSync(directory), [])
  })

  test('is held across namespaces of process ids', async (t) => {
    const unshare = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
    if (spawnSync('unshare', [...unshare.slice(1), 'true']).status !== 0) {
      t.skip('this user may not make namespaces')
      return
    }
    const directory = folder(t)
    const first = await holder(t, directory, unshare)
    assert.equal(first.said, 'has it')
    const second = await holder(t, directory, unshare)
    assert.equal(second.said, `${directory} is in use by the running process 1`)
    await assert.rejects(disk.lock(directory), DirectoryLocked)
    // The process that made the namespace takes its only member along.
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
  })

  test('is not kept from its process by a file that names that very process', async (t) => {
    const directory = folder(t)
    const text = `${process.pid} ${os.hostname()} skylark.lock.00000000.000000000000\n`
    fs.writeFileSync(path.join(directory, 'skylark.pid'), text)
    ;(await disk.lock(directory)).release()
    assert.deepEqual(fs.readdirSync(directory), [])
  })

  test('is not kept by a file that a process without a socket left, nor taken from one that lives', async (t) => {
    if (process.platform !== 'linux') return
    const directory = folder(t)
    const { child } = await holder(t, directory)
    const [name = ''] = fs.readdirSync(directory).filter((each) => each.startsWith('skylark.lock'))
    const stat = fs.readFileSync(`/proc/${child.pid}/stat`, 'latin1')
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const plain = path.join(
      directory,
      name.replace(/.$/, (c) => (c === '0' ? '1' : '0')),
    )
    const namespace = fs.readlinkSync('/proc/self/ns/pid')
    fs.writeFileSync(plain, `${child.pid} ${startTime} ${namespace}\n`)
    fs.rmSync(path.join(directory, name))
    const owner = `${child.pid} ${os.hostname()} ${path.basename(plain)}\n`
    fs.writeFileSync(path.join(directory, 'skylark.pid'), owner)
    await assert.rejects(disk.lock(directory), DirectoryLocked)
    child.kill('SIGKILL')
    await once(child, 'exit')
    ;(await disk.lock(directory)).release()
    assert.equal(fs.existsSync(plain), false)
  })
})

describe('A claim of another machine', () => {
  test('is alive while it beats', async (t) => {
    const directory = folder(t)
    const file = path.join(directory, OTHER_MACHINE)
    fs.writeFileSync(file, '')
    let beats = 0
    const timer = setInterval(() => {
      const at = new Date(Date.now() - 1000 + beats++)
      fs.utimesSync(file, at, at)
    }, 1)
    const living = await livingClaims(directory, { clears: true, watchMs: 200 })
    clearInterval(timer)
    assert.deepEqual(living, [OTHER_MACHINE])
  })

  test('is dead when it does not, at once when it is old', async (t) => {
    const directory = folder(t)
    const file = path.join(directory, OTHER_MACHINE)
    fs.writeFileSync(file, '')
    assert.deepEqual(await livingClaims(directory, { clears: true, watchMs: 1 }), [])
    assert.equal(fs.existsSync(file), false)
    fs.writeFileSync(file, '')
    fs.utimesSync(file, 1, 1)
    assert.deepEqual(await livingClaims(directory, { clears: true, watchMs: 1e9 }), [])
  })
})
