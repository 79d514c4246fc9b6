import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import {
  checkBans,
  checkDocs,
  checkImports,
  checkLengths,
  checkWords,
  type Problem,
} from '../tidy/checks.ts'
import { checkBehaviourTable, checkPatterns } from '../tidy/conformance-table.ts'
import { checkUnusedExports } from '../tidy/exports.ts'
import { checkFolderOrder } from '../tidy/folders.ts'
import { checkCycles, checkDeadFiles } from '../tidy/graph.ts'
import { parse, type Source } from '../tidy/source.ts'

/** Parses files that exist for the length of a call. */
function withFiles<T>(files: Readonly<Record<string, string>>, f: (sources: Source[]) => T): T {
  const root = mkdtempSync(path.join(os.tmpdir(), 'skylark-tidy-'))
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
      writeFileSync(path.join(root, file), text)
    }
    return f(Object.keys(files).map((file) => parse(root, file)))
  } finally {
    rmSync(root, { recursive: true })
  }
}

const said = (problems: readonly Problem[]): string => problems.map(({ says }) => says).join('\n')

test('a package may import those below it, by name, and nothing of the host', () => {
  const imports = (file: string, module: string): string =>
    withFiles({ [file]: `import { x } from '${module}'\nx()\n` }, ([source]) =>
      said(checkImports(source as Source)),
    )
  const file = 'packages/store/src/commitlog/a.ts'
  assert.equal(imports(file, '@skylarkmq/protocol'), '')
  assert.match(imports(file, '@skylarkmq/broker'), /may not import broker/)
  assert.match(imports(file, '@skylarkmq/env/sim'), /without \/sim/)
  assert.equal(imports('packages/store/test/a.test.ts', '@skylarkmq/env/sim'), '')
  const internals = '@skylarkmq/store/internals'
  assert.equal(imports('packages/store-tools/src/a.ts', internals), '')
  assert.match(imports('packages/broker/src/a.ts', internals), /without \/internals/)
  assert.match(imports('packages/broker/test/a.test.ts', internals), /without \/internals/)
  assert.match(imports(file, 'node:fs'), /through Env/)
  assert.match(imports(file, '../index.ts'), /own package's index/)
  assert.match(imports(file, '../../../env/src/env.ts'), /by the name of its package/)
  assert.equal(imports('packages/env/src/node/a.ts', 'node:fs'), '')
  assert.equal(imports('packages/store/test/a.test.ts', 'node:fs'), '')
})

test('calls that go round Env are named with their replacement, also behind other characters', () => {
  const bans = (text: string, file = 'packages/broker/src/a.ts'): string =>
    withFiles({ [file]: text }, ([source]) => said(checkBans(source as Source)))
  assert.match(bans('const t = Date.now()'), /env\.clock\.now/)
  assert.match(bans("const s = '😀'; setTimeout(f, 1)"), /env\.clock\.after/)
  assert.equal(bans('// Date.now() is banned'), '')
  assert.equal(bans("const s = 'Math.random()'"), '')
  assert.equal(bans('const t = Date.now()', 'packages/env/src/node/a.ts'), '')
})

test('long files and long functions are found', () => {
  const lines = (count: number): string => 'let a = 1\n'.repeat(count)
  const check = (text: string): string =>
    withFiles({ 'packages/broker/src/a.ts': text }, ([source]) =>
      said(checkLengths(source as Source)),
    )
  assert.equal(check(lines(500)), '')
  assert.match(check(lines(501)), /501 lines/)
  assert.equal(check(`function f() {\n${lines(68)}}\n`), '')
  assert.match(check(`function f() {\n${lines(69)}}\n`), /function of 71 lines/)
})

test('an exported name says what it is', () => {
  const check = (text: string): string =>
    withFiles({ 'packages/broker/src/a.ts': text }, ([source]) => said(checkDocs(source as Source)))
  assert.match(check('export const a = 1\n'), /what a is/)
  assert.equal(check('/** One. */\nexport const a = 1\n'), '')
  assert.equal(check('/** One. */\nexport const A = 1\nexport type A = typeof A\n'), '')
  assert.equal(check('const a = 1\n'), '')
})

test('unfinished work and tests that run alone are found', () => {
  const words = `// ${'FIX' + 'ME'}: later\ntest.only('x', f)\n`
  withFiles({ 'packages/broker/test/a.test.ts': words }, ([source]) => {
    assert.equal(checkWords(source as Source).length, 2)
  })
})

test('rings of imports are found, those of types too', () => {
  const a = 'packages/broker/src/a.ts'
  const b = 'packages/broker/src/b.ts'
  const ring = {
    [a]: "import { b } from './b.ts'\nb()\n",
    [b]: "import { a } from './a.ts'\na()\n",
  }
  withFiles(ring, (sources) =>
    assert.match(said(checkCycles(sources)), /a\.ts → .*b\.ts → .*a\.ts/),
  )
  const types = { ...ring, [b]: "import type { a } from './a.ts'\nexport type B = typeof a\n" }
  withFiles(types, (sources) => assert.match(said(checkCycles(sources)), /a\.ts → .*b\.ts/))
  const way = { ...ring, [b]: 'export const b = 1\n' }
  withFiles(way, (sources) => assert.equal(said(checkCycles(sources)), ''))
})

test('an import that runs uphill between folders is found, unless an entry says why', () => {
  const files = {
    'packages/store/src/base.ts': 'export const base = 1\n',
    'packages/store/src/low/a.ts': "import { b } from '../high/b.ts'\nb()\n",
    'packages/store/src/high/b.ts': "import { base } from '../base.ts'\nexport const b = base\n",
    'packages/store/src/top.ts': "import { b } from './high/b.ts'\nb()\n",
  }
  const check = (order: string[], uphill: Record<string, string> = {}): string =>
    withFiles(files, (sources) => said(checkFolderOrder(sources, { store: { order, uphill } })))
  assert.equal(check(['base.ts', 'high', 'low']), '')
  assert.match(check(['base.ts', 'low', 'high']), /low may not import high/)
  assert.match(check(['low', 'high', 'base.ts']), /high may not import base\.ts/)
  assert.equal(check(['base.ts', 'low', 'high'], { 'low/a.ts → high/b.ts': 'because' }), '')
  const entry = { 'low/a.ts → high/b.ts': 'because' }
  assert.match(check(['base.ts', 'high', 'low'], entry), /remove «low\/a\.ts → high\/b\.ts»/)
  assert.match(check(['base.ts', 'high']), /give low\/ its place/)
  assert.match(check(['base.ts', 'high', 'low', 'gone']), /names gone, which is not there/)
})

test('an exported name that nobody imports is found, by whatever way others come to it', () => {
  const a = 'packages/store/src/a.ts'
  const check = (files: Record<string, string>, text = 'export const one = 1\n'): string =>
    withFiles({ [a]: text, ...files }, (sources) => said(checkUnusedExports(sources)))
  const index = { 'packages/store/src/index.ts': "export * from './a.ts'\n" }
  const user = (names: string): Record<string, string> => ({
    ...index,
    'packages/broker/test/b.test.ts': `import { ${names} } from '@skylarkmq/store'\n`,
  })
  assert.match(check({}), /nobody imports one/)
  assert.match(check(index), /nobody imports one/)
  assert.match(check(user('two')), /nobody imports one/)
  assert.equal(check(user('one')), '')
  assert.equal(check(user('one as two')), '')
  assert.equal(check({ 'packages/store/src/b.ts': "import { one } from './a.ts'\n" }), '')
  assert.equal(check({ 'packages/store/src/b.ts': "import * as all from './a.ts'\n" }), '')
  const renamed = { 'packages/store/src/index.ts': "export { one as two } from './a.ts'\n" }
  assert.match(check({ ...user('one'), ...renamed }), /nobody imports one/)
  assert.equal(check({ ...user('two'), ...renamed }), '')
  const bench = "import { one } from '../packages/store/dist/src/a.js'\n"
  assert.equal(check({ 'bench/a.bench.mjs': bench }), '')
  const shape = 'export interface Shape {}\n'
  assert.match(check({}, shape), /nobody imports Shape/)
  assert.equal(check(user('one'), `${shape}export const one: Shape = {}\n`), '')
  const published = { 'packages/client/src/index.ts': "export * from './c.ts'\n" }
  assert.equal(check({ ...user('one'), ...published, 'packages/client/src/c.ts': shape }), '')
})

test('a file that nobody imports is found', () => {
  const files = {
    'packages/broker/src/index.ts': "export * from './used.ts'\n",
    'packages/broker/src/used.ts': 'const a = 1\n',
    'packages/broker/src/dead.ts': 'const b = 1\n',
  }
  withFiles(files, (sources) => {
    assert.deepEqual(
      checkDeadFiles(sources).map(({ file }) => file),
      ['packages/broker/src/dead.ts'],
    )
  })
})

test('the table of behaviours has each behaviour once, with the clients that show it', () => {
  const shown = new Map([
    ['send-one', new Set(['go', 'java'])],
    ['send-two', new Set(['java'])],
  ])
  const table = (...rows: string[]): string =>
    ['| behaviour | client | shows |', '| --- | --- | --- |', ...rows].join('\n')
  const check = (...rows: string[]): string =>
    said(checkBehaviourTable('README.md', table(...rows), shown))
  const [one, two] = ['| send-one | go, java | a \\|\\| b |', '| send-two | java | x |']
  assert.equal(check(one, two, '| mixed/… | go | x |'), '')
  assert.match(check(one), /the table lacks send-two/)
  assert.match(check(one, two, '| send-three | go | x |'), /no program shows send-three/)
  assert.match(check('| send-one, send-two | java | x |'), /send-one is shown by go, java, not by/)
  assert.match(check(one, one, two), /send-one is listed twice/)
})

test('the tables of what works name the same behaviours in each language, and leave none out', () => {
  const page = (file: string, ...patterns: string[]) => ({
    file,
    text: patterns.map((pattern) => `| a | b | ${pattern} |`).join('\n'),
  })
  const check = (english: string[], other: string[]): string =>
    said(checkPatterns([page('en', ...english), page('zh', ...other)], ['send-one', 'pull-one']))
  assert.equal(
    check(['`send-*`, `pull-one`', '`mixed/*`'], ['`send-*`, `pull-one`', '`mixed/*`']),
    '',
  )
  assert.match(check(['`send-*`', '`pull-*`'], ['`send-*`']), /names other behaviours than en/)
  assert.match(check(['`send-*`'], ['`send-*`']), /does not name pull-one/)
  assert.match(
    check(['`*-one`, `push-*`'], ['`*-one`, `push-*`']),
    /no behaviour is called push-\*/,
  )
})
