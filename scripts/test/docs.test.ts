import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { declarationText } from '../docs/api/declarations.ts'
import { Exports } from '../docs/api/exports.ts'
import { defaultIn, linked } from '../docs/api/text.ts'
import { checkPages } from '../tidy/guides.ts'

function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(path.join(os.tmpdir(), 'skylark-docs-'))
  t.after(() => {
    rmSync(root, { recursive: true })
  })
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
    writeFileSync(path.join(root, file), text)
  }
  return root
}

test('what a docstring says of a default is told apart from what it says else', () => {
  const split = (doc: string): [string, string] => {
    const { meaning, byDefault } = defaultIn(doc)
    return [meaning, byDefault]
  }
  assert.deepEqual(split('How long, ms; default 3000.'), ['How long, ms.', '3000'])
  assert.deepEqual(split('Where. Default `127.0.0.1:9`.'), ['Where.', '`127.0.0.1:9`'])
  assert.deepEqual(split('Bytes; default 5. More follows.'), ['Bytes. More follows.', '5'])
  assert.deepEqual(split('Nothing of the kind.'), ['Nothing of the kind.', ''])
})

test('codes of errors lead to their table, names of topics do not', () => {
  assert.equal(linked('Throws RMQ_OPTION.'), 'Throws [RMQ_OPTION](../errors.md).')
  assert.equal(linked('in RMQ_SYS_TRACE_TOPIC'), 'in RMQ_SYS_TRACE_TOPIC')
})

test('an interface is shown with what it inherits, less what it leaves out', (t) => {
  const root = folderOf(t, {
    'packages/a/src/index.ts': "export * from './one.ts'\nexport type { Other } from './two.ts'\n",
    'packages/a/src/one.ts': `
      import type { Base } from './two.ts'
      /** All of it. */
      export interface OneOptions extends Omit<Base, 'left'> {
        /** Its own, ms; default 5. */
        readonly own?: number | undefined
      }`,
    'packages/a/src/two.ts': `
      export interface Base {
        /** Left out. */
        readonly left: string
        /** Taken over. */
        readonly taken: string
      }
      /** Another. */
      export type Other = 1 | 2`,
  })
  const exports = new Exports(root)
  const [one, other] = exports.of('packages/a/src/index.ts')
  assert.ok(one !== undefined && other !== undefined)
  assert.equal(
    declarationText(exports, one),
    [
      '### OneOptions\n\nAll of it.\n',
      '| option | type | default | meaning |\n| --- | --- | --- | --- |',
      '| `own` | `number` | 5 | Its own, ms. |',
      '| `taken` | `string` | **needed** | Taken over. |',
    ].join('\n'),
  )
  const text = '### Other\n\nAnother.\n\n```ts\ntype Other = 1 | 2\n```'
  assert.equal(declarationText(exports, other), text)
})

test('a guide without its Chinese twin, and a link that leads nowhere, are found', (t) => {
  const files = {
    'docs/guide/a.md': '[b](b.md) [far](https://example.org) [here](#part)\n[c](c.md#part)\n',
    'docs/guide/b.md': '',
    'docs/guide/b.zh-CN.md': '',
  }
  const problems = checkPages(folderOf(t, files), Object.keys(files))
  assert.deepEqual(
    problems.map(({ file, line, says }) => `${file}:${line}: ${says}`),
    [
      'docs/guide/a.md:1: write it in Chinese: docs/guide/a.zh-CN.md',
      'docs/guide/a.md:2: the link to c.md leads nowhere',
    ],
  )
})
