import { storePaths } from '@skylarkmq/store'
import {
  checkpointLayout,
  findByKey,
  inspectTimers,
  readCheckpoint,
  readIndexHeads,
  readQueue,
  readRecords,
  visible,
  type InspectedIndex,
  type InspectedRecord,
} from '@skylarkmq/store-tools'
import { Argument, InvalidArgumentError, type Command } from 'commander'
import { bold, dim, print, printError } from '../terminal.ts'
import {
  CANNOT_LOOK,
  cannot,
  findStore,
  holderOf,
  looking,
  withStore,
  type StoreFlags,
  type StoreOnDisk,
} from './store-directory.ts'

interface InspectFlags extends StoreFlags {
  from?: number
  count: number
  topic?: string
  queue: number
  key?: string
}

const WHAT = ['summary', 'records', 'queue', 'index', 'checkpoint', 'timers'] as const

/** Adds `store inspect`. */
export function addStoreInspect(store: Command): void {
  withStore(store.command('inspect'))
    .description('print the content of a store, also while a broker has it open')
    .addArgument(new Argument('[what]', 'what to print').choices(WHAT).default('summary'))
    .option(
      '--from <offset>',
      'start: a physical offset for records, a queue offset for queue, ms since 1970 for timers',
      offset,
    )
    .option('--count <n>', 'number of items', offset, 10)
    .option('--topic <topic>', 'topic of the queue, or of the key')
    .option('--queue <id>', 'queue of the topic', offset, 0)
    .option('--key <key>', 'index: the messages of --topic with this key')
    .addHelpText(
      'after',
      `
Writes nothing. While a broker runs, the newest messages may be missing.

Examples:
  skylark store inspect ./skylark-data
  skylark store inspect ./skylark-data records --from 4096 --count 3
  skylark store inspect ./skylark-data queue --topic Orders --queue 0 --from 100
  skylark store inspect ./skylark-data index --topic Orders --key 7
  skylark store inspect ./skylark-data timers --count 20`,
    )
    .action(async (dir: string | undefined, what: (typeof WHAT)[number], flags: InspectFlags) => {
      process.exitCode = await looking(() => inspect(dir, what, flags))
    })
}

function offset(text: string): number {
  if (/^\d{1,16}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is a whole number from 0 on.')
}

async function inspect(
  dir: string | undefined,
  what: (typeof WHAT)[number],
  flags: InspectFlags,
): Promise<number> {
  const found = findStore(dir, flags)
  if (found === undefined) return CANNOT_LOOK
  const holder = await holderOf(found)
  if (holder !== undefined) {
    printError(dim(`${holder} has the store open: the newest may be missing`))
  }
  switch (what) {
    case 'summary':
      return printSummary(found, flags)
    case 'records':
      return printRecords(found, flags)
    case 'queue':
      return printQueue(found, flags)
    case 'index':
      return printIndex(found, flags)
    case 'checkpoint':
      return printCheckpoint(found, flags)
    case 'timers':
      return printTimers(found, flags)
  }
}

function printSummary({ disk, config, directory }: StoreOnDisk, flags: InspectFlags): number {
  const paths = storePaths(config)
  const files = disk.list(paths.commitLog).map(({ name }) => name)
  const names = files.filter((name) => /^\d{20}$/.test(name)).sort()
  const first = readRecords(disk, paths.commitLog, { count: 1 })[0]
  const queues = [paths.consumeQueue, paths.batchConsumeQueue].flatMap((directory) => {
    const topics = disk.list(directory).filter((entry) => entry.isDirectory)
    return topics.map(({ name }) => ({
      topic: name,
      queues: disk.list(`${directory}/${name}`).length,
    }))
  })
  const summary = {
    directory,
    isClean: disk.stat(paths.abort) === undefined,
    logFiles: names.length,
    firstFile: names[0],
    lastFile: names.at(-1),
    firstRecord: first,
    topics: queues.sort((a, b) => (a.topic < b.topic ? -1 : 1)),
    index: readIndexHeads(disk, paths.index),
    checkpoint: readCheckpoint(disk, paths.checkpoint),
  }
  if (flags.json === true) return printJson(summary)
  print(bold(directory))
  print(
    `  last stop    ${summary.isClean ? 'clean' : 'not clean: the broker is running or was killed'}`,
  )
  print(`  log          ${names.length} files, ${names[0] ?? '-'} to ${names.at(-1) ?? '-'}`)
  if (first !== undefined) {
    print(`  first record at ${first.physicalOffset}, stored ${timeText(first.storeTimestamp)}`)
  }
  print(
    `  queues       ${queues.reduce((sum, each) => sum + each.queues, 0)} of ${queues.length} topics`,
  )
  for (const each of queues) print(`    ${each.topic}  ${each.queues}`)
  print(`  index        ${summary.index.length} files`)
  for (const each of summary.index) print(`    ${indexText(each)}`)
  print('  checkpoint')
  checkpointLines(summary.checkpoint).forEach((line) => {
    print(`    ${line}`)
  })
  return 0
}

function printRecords({ disk, config }: StoreOnDisk, flags: InspectFlags): number {
  const range = flags.from === undefined ? {} : { from: flags.from }
  const { commitLog } = storePaths(config)
  const records = readRecords(disk, commitLog, { ...range, count: flags.count })
  if (flags.json === true) return printJson(records)
  const first = records[0]
  if (first === undefined) print('no record there')
  else if (flags.from !== undefined && first.physicalOffset !== flags.from) {
    print(dim(`no record begins at ${flags.from}; the next one begins at ${first.physicalOffset}`))
  }
  records.forEach(printRecord)
  return 0
}

function printRecord(record: InspectedRecord): void {
  const { topic, queueId, queueOffset, properties } = record
  print(`${bold(`at ${record.physicalOffset}`)}  ${record.sizeBytes} bytes`)
  print(`  queue     ${visible(topic)}/${queueId}  offset ${queueOffset}`)
  print(`  stored    ${timeText(record.storeTimestamp)}  ${record.storeHost}`)
  print(`  born      ${timeText(record.bornTimestamp)}  ${record.bornHost}`)
  print(`  flags     sysFlag 0x${record.sysFlag.toString(16)}, flag ${record.flag}`)
  if (record.reconsumeTimes > 0) print(`  consumed  ${record.reconsumeTimes} times in vain`)
  if (record.preparedTransactionOffset > 0) {
    print(`  half      at ${record.preparedTransactionOffset}`)
  }
  for (const [name, value] of Object.entries(properties)) {
    print(`  property  ${visible(name)} = ${visible(value)}`)
  }
  print(`  body      ${record.bodyBytes} bytes  ${record.bodyPreview}`)
}

function printQueue({ disk, config }: StoreOnDisk, flags: InspectFlags): number {
  const { topic, queue } = flags
  if (topic === undefined) {
    cannot('which queue? Give --topic, and --queue unless it is 0')
    return CANNOT_LOOK
  }
  const { consumeQueue, batchConsumeQueue } = storePaths(config)
  const has = (directory: string): boolean =>
    disk.stat(`${directory}/${topic}/${queue}`) !== undefined
  const isBatch = has(batchConsumeQueue)
  if (!isBatch && !has(consumeQueue)) {
    cannot(`there is no queue ${topic}/${queue}`)
    return CANNOT_LOOK
  }
  const { from = 0, count } = flags
  const directory = isBatch ? batchConsumeQueue : consumeQueue
  const units = readQueue(disk, directory, topic, queue, { from, count, isBatch })
  if (flags.json === true) return printJson(units)
  print(dim(`    offset   physical offset      size   tags code${isBatch ? '  messages' : ''}`))
  for (const { queueOffset, physicalOffset, sizeBytes, tagsCode, count: messages } of units) {
    const columns = [
      String(queueOffset).padStart(10),
      String(physicalOffset).padStart(17),
      String(sizeBytes).padStart(9),
      String(tagsCode).padStart(11),
      ...(messages === undefined ? [] : [String(messages).padStart(9)]),
    ]
    print(columns.join(' '))
  }
  return 0
}

function printIndex({ disk, config }: StoreOnDisk, flags: InspectFlags): number {
  const { index, commitLog } = storePaths(config)
  if (flags.key === undefined) {
    const heads = readIndexHeads(disk, index)
    if (flags.json === true) return printJson(heads)
    for (const head of heads) print(indexText(head))
    return 0
  }
  if (flags.topic === undefined) {
    cannot('a key belongs to a topic: give --topic as well')
    return CANNOT_LOOK
  }
  const sizes = { slots: config.maxHashSlotNum, entries: config.maxIndexNum }
  const offsets = findByKey(disk, index, sizes, flags.topic, flags.key).slice(0, flags.count)
  const records = offsets.flatMap((from) => readRecords(disk, commitLog, { from, count: 1 }))
  if (flags.json === true) return printJson(records)
  if (records.length === 0) print('no message has this key')
  records.forEach(printRecord)
  return 0
}

function indexText(head: InspectedIndex): string {
  const { name, indexCount, slotCount, beginOffset, endOffset } = head
  const times = `${timeText(head.beginTimestamp)} to ${timeText(head.endTimestamp)}`
  return `${name}  ${indexCount - 1} keys in ${slotCount} slots, messages ${beginOffset} to ${endOffset}, ${times}`
}

function printCheckpoint({ disk, config }: StoreOnDisk, flags: InspectFlags): number {
  const values = readCheckpoint(disk, storePaths(config).checkpoint)
  if (flags.json === true) return printJson(values)
  checkpointLines(values).forEach((line) => {
    print(line)
  })
  return 0
}

function printTimers({ disk, config }: StoreOnDisk, flags: InspectFlags): number {
  const { from = 0, count } = flags
  const found = inspectTimers(disk, config, { from, count })
  const { commitLog } = storePaths(config)
  const next = found.next.map((each) => {
    const [record] = readRecords(disk, commitLog, { from: each.physicalOffset, count: 1 })
    return { ...each, message: record?.physicalOffset === each.physicalOffset ? record : undefined }
  })
  if (flags.json === true) return printJson({ ...found, next })
  const { waiting, slots, logFiles, logUnits, logEnd, checkedLogEnd, queueOffset } = found
  const span =
    slots === 0 ? '' : `, ${timeText(found.firstSlotMs)} to ${timeText(found.lastSlotMs)}`
  print(`waiting      ${waiting} messages in ${slots} slots of the wheel${span}`)
  print(`timer log    ${logUnits} units in ${logFiles} files, to ${logEnd}`)
  print(`check point  delivered before ${timeText(found.readTimeMs)}`)
  print(`             timer log to ${checkedLogEnd ?? '-'}, queue to ${queueOffset ?? '-'}`)
  for (const { slotMs, dueMs, physicalOffset, what, message } of next) {
    const to = message?.properties['REAL_TOPIC'] ?? 'a message that no longer exists'
    const queue = message?.properties['REAL_QID']
    const place = queue === undefined ? to : `${to}/${queue}`
    const when = dueMs === undefined ? `${timeText(slotMs)} +1 slot` : timeText(dueMs)
    print(`${when.padEnd(32)} ${what.padEnd(8)} ${visible(place)}  ${dim(`at ${physicalOffset}`)}`)
  }
  return 0
}

function checkpointLines(values: ReturnType<typeof readCheckpoint>): string[] {
  const lines = checkpointLayout.fields.map(({ name, doc }) => {
    const value = name.endsWith('Timestamp')
      ? `${values[name]} (${timeText(values[name])})`
      : String(values[name])
    return `${name.padEnd(20)} ${value}  ${dim(doc)}`
  })
  const { point } = values
  if (point !== undefined) {
    lines.push(
      `${'recovery point'.padEnd(20)} ${point.physicalEnd}  ${dim('A start after a kill reads the log from here on.')}`,
    )
  }
  return lines
}

function timeText(ms: number | undefined): string {
  return ms !== undefined && ms > 0 && ms < 8.64e15 ? new Date(ms).toISOString() : '-'
}

function printJson(value: unknown): number {
  print(JSON.stringify(value, null, 2))
  return 0
}
