import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { OverlayDisk, memoryDisk, nodeEnv, type Disk } from '../src/index.ts'

const BYTES_MAX = 64 * 1024 * 1024
const FOLDERS = ['/a', '/a/b', '/c']
const FILES = ['/a/x', '/a/b/y', '/c/z', '/c/x']

/** What this test asks of a disk. */
type Asked = Pick<
  Disk,
  | 'open'
  | 'list'
  | 'stat'
  | 'readFile'
  | 'writeFile'
  | 'rename'
  | 'remove'
  | 'removeTree'
  | 'makeDirectory'
  | 'removeDirectory'
>

function diskWithFiles(): Disk {
  return withFiles(memoryDisk(() => 0))
}

function withFiles<T extends Asked>(disk: T): T {
  for (const folder of FOLDERS) disk.makeDirectory(folder)
  disk.writeFile('/a/x', Buffer.alloc(200_000, 'x'))
  disk.writeFile('/a/b/y', Buffer.from('content of y'))
  disk.writeFile('/c/z', Buffer.alloc(70_000, 'z'))
  return disk
}

/** A folder of the host as a disk. */
function hostDisk(root: string): Asked {
  const { disk } = nodeEnv({ emit: () => undefined })
  const at = (name: string): string => path.join(root, name)
  return {
    open: (name, mode) => disk.open(at(name), mode),
    list: (name) => disk.list(at(name)),
    stat: (name) => disk.stat(at(name)),
    readFile: (name) => disk.readFile(at(name)),
    writeFile: (name, data) => {
      disk.writeFile(at(name), data)
    },
    rename: (from, to) => {
      disk.rename(at(from), at(to))
    },
    remove: (name) => {
      disk.remove(at(name))
    },
    removeTree: (name) => {
      disk.removeTree(at(name))
    },
    makeDirectory: (name) => {
      disk.makeDirectory(at(name))
    },
    removeDirectory: (name) => disk.removeDirectory(at(name)),
  }
}

function overlay(below: Disk, bytesMax = BYTES_MAX): OverlayDisk {
  return new OverlayDisk(below, { now: () => 0, bytesMax })
}

/** All names below a folder, with what is in the files. */
function contentOf(disk: Asked, folder = ''): [string, string][] {
  return disk
    .list(folder === '' ? '/' : folder)
    .flatMap(({ name, isDirectory }): [string, string][] => {
      const at = `${folder}/${name}`
      if (isDirectory) return [[at, 'folder'], ...contentOf(disk, at)]
      return [[at, disk.readFile(at)?.toString('base64') ?? 'nothing']]
    })
    .sort(([one], [other]) => (one < other ? -1 : 1))
}

const file = fc.constantFrom(...FILES)
const change = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    path: file,
    position: fc.integer({ min: 0, max: 210_000 }),
    data: fc.uint8Array({ minLength: 1, maxLength: 100 }),
  }),
  fc.record({
    kind: fc.constant('resize' as const),
    path: file,
    sizeBytes: fc.integer({ min: 0, max: 210_000 }),
  }),
  fc.record({ kind: fc.constant('remove' as const), path: file }),
  fc.record({ kind: fc.constant('replace' as const), path: file, data: fc.uint8Array() }),
  fc.record({ kind: fc.constant('rename' as const), path: file, to: file }),
  fc.record({
    kind: fc.constant('removeTree' as const),
    path: fc.constantFrom(...FOLDERS),
  }),
  fc.record({
    kind: fc.constant('makeDirectory' as const),
    path: fc.constantFrom(...FOLDERS),
  }),
  fc.record({
    kind: fc.constant('removeDirectory' as const),
    path: fc.constantFrom(...FOLDERS),
  }),
  fc.record({
    kind: fc.constant('rename' as const),
    path: fc.constantFrom('/a/b', '/c'),
    to: fc.constantFrom('/d', '/a/e'),
  }),
)
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

/** Does it, or says what the disk says. */
function apply(disk: Asked, each: Change): string {
  try {
    switch (each.kind) {
      case 'write':
      case 'resize': {
        const opened = disk.open(each.path, 'create')
        if (each.kind === 'write') opened.writeNow(each.data, each.position)
        else opened.resize(each.sizeBytes)
        const size = opened.size()
        opened.close()
        return String(size)
      }
      case 'replace':
        disk.writeFile(each.path, each.data)
        return ''
      case 'rename':
        disk.rename(each.path, each.to)
        return ''
      case 'removeDirectory':
        return String(disk.removeDirectory(each.path))
      default:
        disk[each.kind](each.path)
        return ''
    }
  } catch (error) {
    return String((error as { code?: unknown }).code)
  }
}

// Windows has other codes for what it refuses.
const skip = process.platform === 'win32'
test(
  'an overlay changes as a disk of the host does, a disk in memory too, and the disk below stays as it was',
  { skip },
  (t) => {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'skylark-env-'))
    t.after(() => {
      fs.rmSync(home, { recursive: true })
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 25 }), (changes) => {
        const host = withFiles(hostDisk(fs.mkdtempSync(path.join(home, 'disk-'))))
        const [below, memory] = [diskWithFiles(), diskWithFiles()]
        const before = contentOf(below)
        const above = overlay(below)
        for (const each of changes) {
          // In memory a folder is made for whoever renames into none; a host does not.
          if (each.kind === 'rename' && host.stat(parentOf(each.to)) === undefined) continue
          const expected = apply(host, each)
          assert.deepEqual([apply(above, each), apply(memory, each)], [expected, expected])
        }
        const expected = contentOf(host)
        assert.deepEqual(contentOf(above), expected)
        assert.deepEqual(contentOf(memory), expected)
        assert.deepEqual(contentOf(below), before)
      }),
      { seed: 3, numRuns: 100 },
    )
  },
)

test('an overlay that holds too much says so, and refuses the write', () => {
  const above = overlay(diskWithFiles(), 128 * 1024)
  above.writeFile('/c/new', Buffer.alloc(100_000))
  assert.equal(above.isFull, false)
  assert.throws(() => above.open('/a/x', 'write').writeNow(Buffer.from('x'), 0), { code: 'ENOSPC' })
  assert.equal(above.isFull, true)
  assert.equal(above.readFile('/a/x')?.[0], 'x'.charCodeAt(0))
})

test('what a file held counts no more once it is replaced or removed, and can be read by who has it open', () => {
  const disk = memoryDisk(() => 0)
  const used = (): number => {
    const { totalBytes, freeBytes } = disk.usage('/')
    return totalBytes - freeBytes
  }
  disk.makeDirectory('/d')
  for (const name of ['/a', '/b', '/d/c']) disk.writeFile(name, Buffer.alloc(1000, name))
  const each = used() / 3
  const [b, c] = [disk.open('/b', 'read'), disk.open('/d/c', 'read')]
  disk.rename('/a', '/b')
  assert.equal(used(), 2 * each)
  disk.removeTree('/d')
  assert.equal(used(), each)
  const read = Buffer.alloc(4)
  b.readNow(read, 0)
  assert.equal(String(read), '/b/b')
  c.readNow(read, 0)
  assert.equal(String(read), '/d/c')
})

test('an overlay keeps files of the disk open only while they are open', () => {
  const disk = diskWithFiles()
  let open = 0
  const counting: Disk = {
    ...disk,
    open: (path, mode) => {
      const opened = disk.open(path, mode)
      open++
      const close = (): void => {
        open--
      }
      return Object.assign(Object.create(opened) as typeof opened, {
        readNow: opened.readNow.bind(opened),
        close,
      })
    },
  }
  const above = overlay(counting)
  assert.equal(above.readFile('/a/x')?.length, 200_000)
  assert.equal(open, 0)
  const [one, other] = [above.open('/c/z', 'read'), above.open('/c/z', 'read')]
  one.readNow(Buffer.alloc(10), 0)
  assert.equal(open, 1)
  one.close()
  one.close()
  assert.equal(other.readNow(Buffer.alloc(10), 5), 10)
  other.close()
  assert.equal(open, 0)
})

function parentOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/')) || '/'
}
