import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { apiPages } from '../docs/api/pages.ts'
import { referencePages } from '../docs/pages.ts'
import type { Problem } from './checks.ts'

/** Pages of docs/reference that are not what tables and docstrings print, and members that have no docstring. */
export function checkDocsAreCurrent(root: string): Problem[] {
  const api = [...apiPages(root)]
  const stale = [...referencePages(), ...api]
    .filter(([file, content]) => {
      const whole = path.join(root, file)
      return !existsSync(whole) || readFileSync(whole, 'utf8') !== content
    })
    .map(([file]) => {
      return { file, line: 1, says: 'it is not what tables and docstrings say: npm run docs' }
    })
  return [...stale, ...api.flatMap(([file, content]) => unexplained(file, content))]
}

/** Members of what the packages export of which no docstring says what they are. */
function unexplained(file: string, content: string): Problem[] {
  return content.split('\n').flatMap((text, index) => {
    const name = /^\| (`[^`]+`) .*\| {2}\|$/.exec(text)?.[1]
    if (name === undefined) return []
    return [{ file, line: index + 1, says: `say in its docstring what ${name} is` }]
  })
}
