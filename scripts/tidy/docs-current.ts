import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { referencePages } from '../docs/pages.ts'
import type { Problem } from './checks.ts'

/** Pages of docs/reference that are not what the tables print. */
export function checkDocsAreCurrent(root: string): Problem[] {
  return [...referencePages()]
    .filter(([file, content]) => {
      const whole = path.join(root, file)
      return !existsSync(whole) || readFileSync(whole, 'utf8') !== content
    })
    .map(([file]) => ({ file, line: 1, says: 'it is not what the tables say: npm run docs' }))
}
