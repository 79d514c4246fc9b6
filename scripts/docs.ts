/** Prints docs/reference out of the tables: npm run docs */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { referencePages } from './docs/pages.ts'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
for (const [file, content] of referencePages()) {
  writeFileSync(path.join(root, file), content)
  process.stdout.write(`${file}\n`)
}
