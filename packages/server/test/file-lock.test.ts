import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { directoryHolder, DirectoryLocked, nodeEnv, silentEvents } from '@skylarkmq/env'
import { fileLock } from '../src/index.ts'

const { disk } = nodeEnv(silentEvents, fileLock)
const withoutLocks = nodeEnv(silentEvents).disk
const tryLock = await fileLock()
const UNSHARE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']

function folder(t: TestContext): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'skylark-lock-'))
  t.after(() => {
    fs.rmSync(directory, { recursive: true })
  })
  return directory
}

/** A process that takes a directory and keeps it; resolves once it has, or could not, with what it says. */
async function holder(
  t: TestContext,
  directory: string,
  before: readonly string[] = [],
): Promise<{ child: ChildProcess; said: string }> {
  const modules = ['../../../env/dist/src/index.js', '../src/index.js'].map((each) =>
    JSON.stringify(new URL(each, import.meta.url).href),
  )
  const program =
    `const { nodeEnv, silentEvents } = await import(${modules[0]})\n` +
    `const { fileLock } = await import(${modules[1]})\n` +
    `try { await nodeEnv(silentEvents, fileLock).disk.lock(${JSON.stringify(directory)}); console.log('has it') }\n` +
    'catch (error) { console.log(error.message); process.exit() }\nsetInterval(() => {}, 1000)'
  const [command, ...args] = [...before, process.execPath, '--input-type=module', '-e', program]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [data] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, said: data.toString().trim() }
}

// Where the optional package has no binary, the lock without it counts: packages/env/test/node/directory-lock.test.ts.
describe("With the host's locks, a directory", { skip: tryLock === undefined }, () => {
  test('is held by one process, is found without being changed, and leaves the same file as Apache', async (t) => {
    const directory = folder(t)
    const lock = await disk.lock(directory)
    const words = `the running process ${process.pid}`
    assert.equal(await directoryHolder(directory, tryLock), words)
    const message = `${directory} is in use by ${words}`
    await assert.rejects(disk.lock(directory), { message })
    assert.ok(
      fs.readdirSync(directory).every((name) => fs.statSync(path.join(directory, name)).isFile()),
    )
    lock.release()
    assert.equal(await directoryHolder(directory, tryLock), undefined)
    assert.deepEqual(fs.readdirSync(directory), ['lock'])
    ;(await disk.lock(directory)).release()
  })

  test('goes to one of many that come at one time', async (t) => {
    const directory = folder(t)
    const all = await Promise.allSettled(Array.from({ length: 12 }, () => disk.lock(directory)))
    const held = all.filter((each) => each.status === 'fulfilled')
    assert.equal(held.length, 1)
    held[0]?.value.release()
  })

  test('is held across namespaces, by a process that is stopped too, and free when it is killed', async (t) => {
    if (spawnSync('unshare', [...UNSHARE.slice(1), 'true']).status !== 0) {
      t.skip('this user may not make namespaces')
      return
    }
    const directory = folder(t)
    const first = await holder(t, directory, UNSHARE)
    assert.equal(first.said, 'has it')
    const [stopped] = fs
      .readFileSync(`/proc/${first.child.pid}/task/${first.child.pid}/children`, 'latin1')
      .trim()
      .split(' ')
      .map(Number)
    assert.ok(stopped !== undefined)
    process.kill(stopped, 'SIGSTOP')
    const second = await holder(t, directory, UNSHARE)
    assert.equal(second.said, `${directory} is in use by the running process 1`)
    await assert.rejects(disk.lock(directory), DirectoryLocked)
    process.kill(stopped, 'SIGKILL')
    await once(first.child, 'exit')
    ;(await disk.lock(directory)).release()
    assert.deepEqual(fs.readdirSync(directory), ['lock'])
  })

  test('excludes processes without such locks, and is taken from none of them', async (t) => {
    const directory = folder(t)
    const lock = await disk.lock(directory)
    await assert.rejects(withoutLocks.lock(directory), DirectoryLocked)
    lock.release()
    const other = await withoutLocks.lock(directory)
    await assert.rejects(disk.lock(directory), DirectoryLocked)
    other.release()
    ;(await disk.lock(directory)).release()
  })

  test('is held on a disk without any room, after a kill too', async (t) => {
    const directory = folder(t)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]).status !== 0) {
      t.skip('this user may not mount a file system')
      return
    }
    try {
      const { child } = await holder(t, directory)
      const fd = fs.openSync(path.join(directory, 'ballast'), 'w')
      assert.throws(
        () => {
          for (;;) fs.writeSync(fd, Buffer.alloc(4096))
        },
        { code: 'ENOSPC' },
      )
      fs.closeSync(fd)
      child.kill('SIGKILL')
      await once(child, 'exit')
      const lock = await disk.lock(directory)
      await assert.rejects(disk.lock(directory), DirectoryLocked)
      lock.release()
      // Without the room that the claim of the killed process had given back.
      const rest = fs.openSync(path.join(directory, 'rest'), 'w')
      assert.throws(
        () => {
          for (;;) fs.writeSync(rest, Buffer.alloc(4096))
        },
        { code: 'ENOSPC' },
      )
      fs.closeSync(rest)
      const again = await disk.lock(directory)
      await assert.rejects(disk.lock(directory), DirectoryLocked)
      again.release()
      assert.deepEqual(fs.readdirSync(directory).sort(), ['ballast', 'lock', 'rest'])
    } finally {
      spawnSync('umount', [directory])
    }
  })
})
