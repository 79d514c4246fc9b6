import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { memoryDisk, nodeEnv } from '../src/index.ts'

test('a file reads what was written, and zeros where nothing was', () => {
  const operation = fc.record({
    position: fc.integer({ min: 0, max: 200_000 }),
    data: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 20 }), (writes) => {
      const disk = memoryDisk(() => 0)
      const file = disk.open('/f', 'create')
      const model = Buffer.alloc(200_400)
      let size = 0
      for (const { position, data } of writes) {
        file.writeNow(data, position)
        model.set(data, position)
        size = Math.max(size, position + data.length)
      }
      const read = Buffer.alloc(200_400)
      assert.equal(file.readNow(read, 0), size)
      assert.equal(file.size(), size)
      assert.deepEqual(read, model)
    }),
    { seed: 1, numRuns: 50 },
  )
})

test('cutting a file forgets what lay behind the cut', () => {
  const disk = memoryDisk(() => 0)
  const file = disk.open('/f', 'create')
  file.writeNow(Buffer.from('abcdef'), 0)
  file.resize(3)
  file.resize(6)
  assert.equal(disk.readFile('/f')?.toString('latin1'), 'abc\0\0\0')
})

test('a sparse file takes memory only where it was written', () => {
  const disk = memoryDisk(() => 0, 2 ** 40)
  const file = disk.open('/f', 'create')
  file.resize(2 ** 30)
  file.writeNow(Buffer.from('x'), 2 ** 29)
  const { totalBytes, freeBytes } = disk.usage('/')
  assert.ok(totalBytes - freeBytes <= 64 * 1024)
})

test('a file needs its folder, and a folder lists what is in it and not what is below', () => {
  const disk = memoryDisk(() => 0)
  assert.throws(() => disk.open('/a/b', 'create'), { code: 'ENOENT' })
  disk.makeDirectory('/a/c')
  disk.writeFile('/a/b', Buffer.from('b'))
  disk.writeFile('/a/c/d', Buffer.from('d'))
  const names = disk.list('/a').map(({ name, isDirectory }) => [name, isDirectory])
  assert.deepEqual(names.sort(), [
    ['b', false],
    ['c', true],
  ])
  disk.removeTree('/a/c')
  assert.equal(disk.stat('/a/c/d'), undefined)
  assert.deepEqual(disk.list('/a/c'), [])
})

test('a renamed file is gone under its old name, and replaces what had the new one', () => {
  const disk = memoryDisk(() => 0)
  disk.writeFile('/old', Buffer.from('1'))
  disk.writeFile('/new', Buffer.from('2'))
  disk.rename('/old', '/new')
  assert.equal(disk.readFile('/old'), undefined)
  assert.equal(disk.readFile('/new')?.toString(), '1')
})

test('a folder that gets another name takes all below it along, and takes no other folder’s place', () => {
  const disk = memoryDisk(() => 0)
  disk.makeDirectory('/a/b')
  disk.makeDirectory('/ab')
  disk.writeFile('/a/b/f', Buffer.from('x'))
  disk.rename('/a', '/c')
  assert.equal(disk.readFile('/c/b/f')?.toString(), 'x')
  assert.equal(disk.stat('/a'), undefined)
  assert.ok(disk.stat('/ab')?.isDirectory)
  assert.throws(() => disk.rename('/ab', '/c'), { code: 'ENOTEMPTY' })
})

test('a directory is removed only when it is empty, here and on the host', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'skylark-env-'))
  for (const [disk, at] of [
    [memoryDisk(() => 0), '/d'],
    [nodeEnv({ emit: () => undefined }).disk, path.join(root, 'd')],
  ] as const) {
    disk.makeDirectory(`${at}/below`)
    disk.writeFile(`${at}/below/f`, Buffer.from('x'))
    assert.equal(disk.removeDirectory(`${at}/below`), false)
    assert.equal(disk.removeDirectory(at), false)
    disk.remove(`${at}/below/f`)
    assert.equal(disk.removeDirectory(`${at}/below`), true)
    assert.equal(disk.removeDirectory(at), true)
    assert.equal(disk.removeDirectory(at), true, 'there is none')
    assert.equal(disk.stat(at), undefined)
  }
  fs.rmSync(root, { recursive: true })
})
