import type { Disk } from '@skylarkmq/env'
import { SET_ASIDE, UNSYNCED } from '@skylarkmq/store/internals'
import type { Findings } from './problem.ts'

/** Part of the names under which a repair keeps old files. */
export const KEPT_BY_REPAIR = '.before-repair-'

/** Names in a store's directory that are checked elsewhere or have no content. */
const KNOWN = new Set([
  'abort',
  'abort.bak',
  'abort.new',
  'batchconsumequeue',
  'checkpoint',
  'checkpoint.new',
  'commitlog',
  'config',
  'consumequeue',
  'index',
  'lock',
  'namesrv',
  'skylark.pid',
  'timerlog',
  'timerwheel',
])

/** Files of Apache that are not checked, and what they are. */
const NOT_CHECKED: Readonly<Record<string, string>> = {
  consumequeue_ext: 'extended queues (enableConsumeQueueExt)',
  compaction: 'compacted topics',
  epochFileCheckpoint: 'epochs of the controller mode',
  'epochFileCheckpoint.bak': 'epochs of the controller mode',
  brokerIdentity: 'the identity of the controller mode',
  popcheckpoint: 'check points of POP',
  consumequeue_r: 'queues in RocksDB',
  kvStore: 'tables in RocksDB',
}

/** Reports names in a store's directory that are not checked. */
export function checkDirectory(disk: Disk, root: string, findings: Findings): void {
  const names = disk.list(root).map((entry) => entry.name)
  const apart = names.filter(
    (name) => NOT_CHECKED[name] !== undefined && hasContent(disk, root, name),
  )
  if (apart.length > 0) {
    const list = apart.sort().map((name) => `${name} (${NOT_CHECKED[name] ?? ''})`)
    findings.note(`not checked: ${list.join(', ')}`)
  }
  const kept = names.filter((name) => name.includes(KEPT_BY_REPAIR))
  if (kept.length > 0) findings.note(`kept by a repair: ${kept.sort().join(', ')}`)
  const aside = names.filter((name) => name.includes(SET_ASIDE))
  if (aside.length > 0) {
    const list = aside.sort().join(', ')
    findings.note(
      `files of the log that lay behind a missing one after a crash and are no longer part of it: ${list}`,
    )
  }
  const said = new Set([...kept, ...aside])
  const unknown = names.filter(
    (name) => !isKnown(name) && NOT_CHECKED[name] === undefined && !said.has(name),
  )
  if (unknown.length > 0) findings.note(`not part of a store: ${unknown.sort().join(', ')}`)
}

function isKnown(name: string): boolean {
  return KNOWN.has(name) || UNSYNCED.test(name) || name.startsWith('skylark.lock.')
}

function hasContent(disk: Disk, root: string, name: string): boolean {
  const path = `${root}/${name}`
  return disk.stat(path)?.isDirectory !== true || disk.list(path).length > 0
}
