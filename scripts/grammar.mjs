// npm run grammar: makes the parser of SQL92 expressions out of its grammar, if it is not the one that is there.
// With --check it writes nothing, and ends with 1 when it would.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const folder = path.join(root, 'packages/broker/src/filter/sql92')
const target = path.join(folder, 'grammar.js')

/** The parser as the grammar wants it. Throws where the grammar is wrong. */
async function parserSource() {
  const { default: peggy } = await import('peggy')
  const file = path.join(folder, 'grammar.peggy')
  return peggy.generate(readFileSync(file, 'utf8'), {
    grammarSource: 'grammar.peggy',
    output: 'source',
    format: 'es',
    allowedStartRules: ['start'],
  })
}

/** Writes the parser if it is another one; says whether it was. */
export async function writeParser({ isCheck = false } = {}) {
  const source = await parserSource()
  if (readFileSync(target, 'utf8') === source) return false
  if (!isCheck) writeFileSync(target, source)
  return true
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const isCheck = process.argv.includes('--check')
  if ((await writeParser({ isCheck })) && isCheck) {
    console.error('grammar.js is not what grammar.peggy makes: npm run grammar')
    process.exitCode = 1
  }
}
