import assert from 'node:assert/strict'
import { test } from 'node:test'
import { directoryOf, replaceFile, replaceFileNow } from '../src/replace-file.ts'
import { SimNode, World } from '../src/sim/index.ts'

const PATH = '/data/file'

function node(seed: number): SimNode {
  const made = new SimNode(new World(seed))
  const { disk } = made.start(() => undefined).env
  disk.makeDirectory('/data')
  disk.syncDirectoryNow('/')
  return made
}

test('a file that was replaced survives a power cut, whole, however often it was', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const machine = node(seed)
    let { disk } = machine.start(() => undefined).env
    for (const content of ['a long first content', 'second', 'third']) {
      replaceFileNow(disk, PATH, Buffer.from(content))
      machine.powerCut()
      disk = machine.start(() => undefined).env.disk
      assert.equal(disk.readFile(PATH)?.toString(), content)
    }
  }
})

test('a power cut in the middle leaves the old content or the new one', async () => {
  const found = new Set<string>()
  for (let seed = 1; seed <= 200; seed++) {
    const machine = node(seed)
    const { disk } = machine.start(() => undefined).env
    replaceFileNow(disk, PATH, Buffer.from('old'))
    // What a process that was killed left of another try.
    disk.writeFile(`${PATH}.new`, Buffer.from('much longer than either of them'))
    void replaceFile(disk, PATH, Buffer.from('new')).catch(() => undefined)
    await machine.world.run(machine.world.time + (seed % 20))
    machine.powerCut()
    const content = machine
      .start(() => undefined)
      .env.disk.readFile(PATH)
      ?.toString()
    assert.ok(content === 'old' || content === 'new', `seed ${seed}: ${content ?? 'nothing'}`)
    found.add(content)
  }
  assert.deepEqual([...found].sort(), ['new', 'old'])
})

test('a failing disk leaves the old content, and the error is reported', async () => {
  const machine = node(1)
  const { disk } = machine.start(() => undefined).env
  replaceFileNow(disk, PATH, Buffer.from('old'))
  machine.disk.faults = { ...machine.disk.faults, writeErrors: 1 }
  assert.throws(() => {
    replaceFileNow(disk, PATH, Buffer.from('new'))
  })
  await assert.rejects(replaceFile(disk, PATH, Buffer.from('new')))
  machine.disk.faults = { ...machine.disk.faults, writeErrors: 0 }
  assert.equal(disk.readFile(PATH)?.toString(), 'old')
})

test('the directory of a file is what comes before its name', () => {
  assert.equal(directoryOf('/a/b'), '/a')
  assert.equal(directoryOf('/a'), '/')
  assert.equal(directoryOf('C:\\a\\b'), 'C:\\a')
  assert.equal(directoryOf('b'), '.')
})
