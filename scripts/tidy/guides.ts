import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Problem } from './checks.ts'

/** Guide pages without their Chinese twin, the other way round, and links of any page to files that are not there. */
export function checkPages(root: string, files: readonly string[]): Problem[] {
  const pages = files.filter((file) => file.endsWith('.md'))
  return [
    ...pages.flatMap((file) => twinOf(file, pages)),
    ...pages.flatMap((f) => deadLinks(root, f)),
  ]
}

function twinOf(file: string, pages: readonly string[]): Problem[] {
  if (!/^docs\/(guide\/|README)/.test(file)) return []
  const isChinese = file.endsWith('.zh-CN.md')
  const twin = isChinese ? file.replace('.zh-CN.md', '.md') : file.replace('.md', '.zh-CN.md')
  const language = isChinese ? 'English' : 'Chinese'
  return pages.includes(twin) ? [] : [{ file, line: 1, says: `write it in ${language}: ${twin}` }]
}

function deadLinks(root: string, file: string): Problem[] {
  const lines = readFileSync(path.join(root, file), 'utf8').split('\n')
  return lines.flatMap((text, index) =>
    [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)\s]*)?\)/g)].flatMap(([, target = '']) => {
      if (/^[a-z]+:/.test(target)) return []
      const whole = path.join(root, path.dirname(file), target)
      const says = `the link to ${target} leads nowhere`
      return existsSync(whole) ? [] : [{ file, line: index + 1, says }]
    }),
  )
}
