import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { test } from 'node:test'

interface Planted {
  readonly name: string
  readonly file: string
  readonly from: string
}

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')
const list = path.join(root, 'test/simulation/planted/list.mjs')

test('each safeguard that can be taken away stands once where the list says', async () => {
  const { planted } = (await import(pathToFileURL(list).href)) as { planted: readonly Planted[] }
  assert.ok(planted.length > 0)
  for (const { name, file, from } of planted) {
    const built = path.join(root, file)
    assert.ok(existsSync(built), `${name}: there is no ${file}`)
    assert.equal(readFileSync(built, 'utf8').split(from).length, 2, `${name} in ${file}`)
  }
})
