// A child of cold-start.mjs: opens a store, prints as JSON what that took, and stops it.
import { nodeEnv } from '@skylarkmq/env'
import { MessageStore, defaultStoreConfig } from '@skylarkmq/store'

/** The disk, with what is read and opened counted. */
function countingDisk(disk, counts) {
  return {
    ...disk,
    open: (path, mode) => {
      const file = disk.open(path, mode)
      counts.opened++
      const read = file.readNow.bind(file)
      file.readNow = (target, position) => {
        const bytes = read(target, position)
        if (path.includes('/commitlog/')) counts.logBytes += bytes
        else counts.otherBytes += bytes
        return bytes
      }
      return file
    },
  }
}

let recovered = {}
const events = {
  emit: (definition, fields) => {
    if (definition.name === 'store.recovered') recovered = fields
    else if (definition.level !== 'info') console.error(definition.name, fields)
  },
}
const env = nodeEnv(events)
const counts = { opened: 0, logBytes: 0, otherBytes: 0 }
globalThis.gc?.()
const before = process.memoryUsage()
const [startedAt, cpu] = [performance.now(), process.cpuUsage()]
const store = await MessageStore.open(
  { ...env, disk: countingDisk(env.disk, counts) },
  defaultStoreConfig(process.argv[2]),
)
const openMs = Math.round(performance.now() - startedAt)
const used = process.cpuUsage(cpu)
for (let i = 0; i < 3; i++) {
  await new Promise((resolve) => setImmediate(resolve))
  globalThis.gc?.()
}
const after = process.memoryUsage()
let queues = 0
let readable = 0
for (const topic of store.topics()) {
  for (const queueId of store.queuesOf(topic)) {
    queues++
    if (process.argv[3] !== '--read') continue
    const first = await store.getMessage(topic, queueId, store.offsetMin(topic, queueId), {
      maxCount: 1,
    })
    readable += first.count
  }
}
console.log(
  JSON.stringify({
    openMs,
    cpuMs: Math.round((used.user + used.system) / 1000),
    clean: recovered.clean,
    recordsRead: recovered.records,
    'log KiB read': Math.round(counts.logBytes / 1024),
    'other KiB read': Math.round(counts.otherBytes / 1024),
    filesOpened: counts.opened,
    queues,
    ...(readable > 0 ? { 'queues read': readable } : {}),
    'heap bytes/queue': Math.round(
      (after.heapUsed + after.external - before.heapUsed - before.external) / Math.max(1, queues),
    ),
    'log GiB': Number(((store.commitLogOffsetMax - store.commitLogOffsetMin) / 2 ** 30).toFixed(2)),
  }),
)
store.start()
await store.shutdown()
