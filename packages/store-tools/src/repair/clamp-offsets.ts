import { replaceFileNow } from '@skylarkmq/env'
import type { Disk } from '@skylarkmq/env'
import { parseFastjson } from '@skylarkmq/protocol'
import type { OffsetBehindEnd } from '../check/config-check.ts'

/**
 * Sets offsets that are behind the end of their queue to that end: otherwise a group would skip the messages stored
 * there next. The previous files are kept as `.bak`. Throws the host's error.
 */
export function clampOffsets(disk: Disk, root: string, offsets: readonly OffsetBehindEnd[]): void {
  for (const table of ['consumerOffset', 'lmqConsumerOffset', 'delayOffset'] as const) {
    const isDelay = table === 'delayOffset'
    const own = offsets.filter((each) => (each.table === 'delayOffset') === isDelay)
    const path = `${root}/config/${table}.json`
    const bytes = disk.readFile(path) ?? disk.readFile(`${path}.bak`)
    if (own.length === 0 || bytes === undefined) continue
    const content = parseFastjson(bytes.toString('utf8')) as {
      offsetTable: Record<string, number | Record<string, number>>
    }
    for (const { key, queueId, end } of own) {
      const queues = content.offsetTable[key]
      if (typeof queues === 'number') content.offsetTable[key] = end
      else if (queues !== undefined) queues[queueId] = end
    }
    if (disk.stat(path) !== undefined) replaceFileNow(disk, `${path}.bak`, bytes)
    replaceFileNow(disk, path, Buffer.from(JSON.stringify(content, null, '\t')))
  }
}
