/** Prints docs/reference out of the tables and the docstrings: npm run docs */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { apiPages } from './docs/api/pages.ts'
import { referencePages } from './docs/pages.ts'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
for (const [file, content] of [...referencePages(), ...apiPages(root)]) {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
  writeFileSync(path.join(root, file), content)
  process.stdout.write(`${file}\n`)
}
