/** What a run saw of mqadmin, as docs/reference/mqadmin.md prints it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { adminCommands } from './admin.mjs'

const file = fileURLToPath(new URL('../golden/mqadmin.json', import.meta.url))

/** What stands for addresses, ids and folders in a call. */
const placeholders = {
  nameServer: 'NAMESRV',
  broker: 'BROKER',
  home: 'FOLDER',
  messageId: 'MSGID',
  offsetId: 'OFFSETID',
  tracedId: 'MSGID',
  clientId: 'CLIENTID',
  file: (name) => name,
}

const mostLines = 2
const mostChars = 160

/** The first lines of a result; of a set, its first names. */
function excerpt(result) {
  const isSet = !Array.isArray(result.lines)
  const lines = isSet ? [Object.keys(result).join(' ')] : result.lines
  const clip = (line) => (line.length > mostChars ? `${line.slice(0, mostChars)}…` : line)
  const first = lines.slice(0, mostLines).map(clip)
  if (lines.length > mostLines) first.push(`… ${lines.length - mostLines} more lines`)
  return isSet ? `(names) ${first.join('')}` : first.join('\n')
}

function callOf(name) {
  const args = adminCommands.find((one) => one.name === name).args(placeholders)
  const time = /^\d{13}$/
  const shown = args
    .filter((word) => !word.startsWith('!'))
    .map((word) => (time.test(word) ? 'TIME' : word))
  return shown.map((word) => (/[\s|*]/.test(word) ? `'${word}'` : word)).join(' ')
}

/** Writes the calls of this run into golden/mqadmin.json; others in it stay. */
export function recordAdminResults(verdicts, theirs, ours) {
  const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
  const byName = new Map(known.map((one) => [one.name, one]))
  for (const { name: whole, same, reasons = [] } of verdicts) {
    const [client, ...rest] = whole.split('/')
    const name = rest.join('/')
    const [left, right] = [theirs.get(whole), ours.get(whole)]
    if (client !== 'mqadmin' || !left?.ok || !right?.ok) continue
    const isSame = same && reasons.length === 0
    byName.set(name, {
      name,
      call: callOf(name),
      isSame,
      why: reasons,
      apache: excerpt(left.result),
      ...(isSame ? {} : { skylark: excerpt(right.result) }),
    })
  }
  const inOrder = adminCommands
    .map(({ name }) => byName.get(name))
    .filter((one) => one !== undefined)
  writeFileSync(file, JSON.stringify(inOrder, null, 1) + '\n')
}
