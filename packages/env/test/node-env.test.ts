import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { nodeEnv, silentEvents, type Socket } from '../src/index.ts'

const env = nodeEnv(silentEvents)

test('a turn ends with all writes and then all sends, whoever was registered first', async () => {
  const order: string[] = []
  await new Promise<void>((resolve) => {
    env.turn.sends(() => order.push('send 1'))
    env.turn.writes(() => {
      order.push('write 1')
      // What a write stages is written in the same turn, and what it makes known is sent.
      env.turn.writes(() => order.push('write 2'))
      env.turn.sends(() => {
        order.push('send 2')
        resolve()
      })
    })
  })
  assert.deepEqual(order, ['write 1', 'write 2', 'send 1', 'send 2'])
})

test('the error of a write is passed to every send of its turn, and to none of the next', async () => {
  const failures: unknown[] = []
  const broken = new Error('disk')
  await new Promise<void>((resolve) => {
    env.turn.sends((failure) => failures.push(failure))
    env.turn.writes(() => {
      throw broken
    })
    env.turn.sends((failure) => {
      failures.push(failure)
      env.turn.sends((later) => {
        failures.push(later)
        resolve()
      })
    })
  })
  assert.deepEqual(failures, [broken, broken, undefined])
})

test('files of the host keep what is written, at its place', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'skylark-disk-'))
  try {
    const file = env.disk.open(path.join(directory, 'f'), 'create')
    file.resize(100)
    file.writeNow(Buffer.from('now'), 10)
    await file.writeAt([Buffer.from('la'), Buffer.from('ter')], 20)
    await file.sync()
    const bytes = Buffer.alloc(200)
    assert.equal(await file.readAt(bytes, 0), 100)
    assert.equal(bytes.toString('latin1', 10, 13), 'now')
    assert.equal(bytes.toString('latin1', 20, 25), 'later')
    file.close()
    await env.disk.syncDirectory(directory)
    assert.equal(env.disk.stat(path.join(directory, 'f'))?.sizeBytes, 100)
    assert.equal(env.disk.stat(path.join(directory, 'g')), undefined)
    assert.equal(env.disk.readFile(path.join(directory, 'g')), undefined)
    assert.ok(env.disk.usage(path.join(directory, 'not', 'there')).totalBytes > 0)
  } finally {
    fs.rmSync(directory, { recursive: true })
  }
})

test('a connection carries bytes both ways, and both ends hear of its end', async () => {
  const accepted = resolvable<Socket>()
  const listener = await env.net.listen({ host: '127.0.0.1', port: 0 }, accepted.resolve)
  const here = await env.net.connect({ host: '127.0.0.1', port: listener.port, timeoutMs: 5000 })
  const there = await accepted.promise
  const got = resolvable<string>()
  const ended = resolvable<undefined>()
  const nothing = (): void => undefined
  there.handle({
    data: (chunk) => {
      got.resolve(chunk.toString())
      there.destroy()
    },
    drain: nothing,
    close: nothing,
  })
  here.handle({ data: nothing, drain: nothing, close: () => ended.resolve(undefined) })
  here.write(Buffer.from('hello'))
  assert.equal(await got.promise, 'hello')
  await ended.promise
  await listener.close()
  await assert.rejects(
    env.net.connect({ host: '127.0.0.1', port: listener.port, timeoutMs: 5000 }),
    { code: 'ECONNREFUSED' },
  )
})

function resolvable<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

test('an error of a file that is open names it', (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'skylark-'))
  t.after(() => {
    fs.rmSync(folder, { recursive: true })
  })
  const file = path.join(folder, 'file')
  fs.writeFileSync(file, 'x')
  const open = env.disk.open(file, 'read')
  const named = { code: /^E/, message: /folder|file'$/ }
  assert.throws(() => {
    open.writeNow(Buffer.alloc(1), 0)
  }, named)
  assert.throws(() => {
    open.resize(0)
  }, named)
  open.close()
})
