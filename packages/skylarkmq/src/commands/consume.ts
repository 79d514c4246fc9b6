import { PushConsumer, TopicReader, type ReceivedMessage, type StartFrom } from '@skylarkmq/client'
import { logEvents } from '@skylarkmq/server'
import { nodeEnv, printable, printableJson, type Env } from '@skylarkmq/env'
import type { Command } from 'commander'
import { onEndRequest } from '../end-request.ts'
import { exitCodeOf } from '../exit-codes.ts'
import { accountOf, atCluster, namesrvAddrOf } from '../session.ts'
import { dim, explain, print, printError } from '../terminal.ts'
import { count, startFrom } from './client-flags.ts'

interface ConsumeFlags {
  namesrvAddr?: string
  context?: string
  accessKey?: string
  secretKey?: string
  from: StartFrom
  group?: string
  tag?: string
  count?: number
  json?: boolean
}

/** Adds `consume`. */
export function addConsumeCommand(program: Command): void {
  atCluster(program.command('consume'))
    .description('print the messages of a topic as they arrive')
    .argument('<topic>', 'topic to read')
    .option(
      '--from <place>',
      'first, last, a time such as 2026-01-31T12:00, or a span such as -1h (default: last)',
      startFrom,
      'last' as const,
    )
    .option('--group <name>', 'consume as a member of this group, and commit its offsets')
    .option('--tag <expression>', 'only messages with these tags, such as "paid || refunded"')
    .option('--count <n>', 'exit after this many messages', count)
    .option('--json', 'print one JSON object per message')
    .addHelpText(
      'after',
      `
Without --group all queues are read without a consumer group: no offset is stored, and other consumers
are not affected. With --group the messages are shared with the other members of the group, and --from
only applies to a new group. Ctrl-C exits.

Examples:
  skylark consume Hello --from first
  skylark consume Orders --tag paid --json | jq .keys
  skylark consume Orders --group audit --count 10`,
    )
    .action(async (topic: string, flags: ConsumeFlags) => {
      process.exitCode = await consume(topic, flags)
    })
}

async function consume(topic: string, flags: ConsumeFlags): Promise<number> {
  const ended = new Ending(flags.count)
  let close: (() => Promise<void>) | undefined
  const listener = (message: ReceivedMessage): void => {
    print(flags.json === true ? jsonLine(message) : textLine(message))
    // Immediately, so that no further message is taken.
    if (ended.isLast()) void close?.()
  }
  try {
    if (flags.group === undefined) {
      const reader = readerOf(topic, flags)
      close = () => reader.close()
      await reader.start(listener)
    } else {
      const consumer = consumerOf(flags.group, flags)
      close = () => consumer.close()
      consumer.subscribe(topic, flags.tag ?? '*')
      await consumer.start(listener)
    }
    await ended.promise
    return 0
  } catch (error) {
    explain(error)
    return exitCodeOf(error)
  } finally {
    await close?.()
  }
}

function readerOf(topic: string, flags: ConsumeFlags): TopicReader {
  const { from: start, tag } = flags
  const namesrvAddr = namesrvAddrOf(flags)
  const options = { ...accountOf(flags), topic, namesrvAddr, from: start }
  return new TopicReader(tag === undefined ? options : { ...options, expression: tag }, loudEnv())
}

function consumerOf(group: string, flags: ConsumeFlags): PushConsumer {
  const { from: consumeFrom } = flags
  const namesrvAddr = namesrvAddrOf(flags)
  // One at a time, so that lines are in order and no more than --count messages are taken.
  return new PushConsumer(
    { ...accountOf(flags), group, namesrvAddr, consumeFrom, concurrency: 1, startTimeoutMs: 0 },
    loudEnv(),
  )
}

/** Standard output is for messages; warnings and errors go to standard error. */
function loudEnv(): Env {
  const now = (): number => Math.round(performance.timeOrigin + performance.now())
  const write = (line: string): void => {
    printError(dim(line))
  }
  return nodeEnv(logEvents({ format: 'pretty', level: 'warn', write, now }))
}

/** Ends after a number of messages, or when the user asks for it. */
class Ending {
  readonly promise: Promise<void>
  #left: number
  #resolve: () => void = () => undefined

  constructor(countMax: number | undefined) {
    this.#left = countMax ?? Infinity
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve
    })
    onEndRequest(this.#resolve)
    // The reader of our output is gone: `skylark consume T | head -1`.
    process.stdout.once('error', this.#resolve)
  }

  /** Counts a message; true once it is the last one. */
  isLast(): boolean {
    this.#left--
    if (this.#left > 0) return false
    this.#resolve()
    return true
  }
}

function textLine(message: ReceivedMessage): string {
  const { messageQueue, queueOffset, tag, keys, reconsumeTimes } = message
  const place = `${messageQueue.brokerName}/${messageQueue.queueId}/${queueOffset}`
  const marks = [
    place,
    ...(tag === undefined ? [] : [`tag ${tag}`]),
    ...(keys.length === 0 ? [] : [`keys ${keys.join(' ')}`]),
    ...(reconsumeTimes === 0 ? [] : [`try ${reconsumeTimes + 1}`]),
  ]
  const text = message.body.toString('utf8')
  // A file gets the body as it was sent; a terminal would interpret control characters.
  const body = process.stdout.isTTY ? printable(text, Infinity) : text
  return `${dim(marks.map((mark) => printable(mark)).join('  '))}  ${body}`
}

function jsonLine(message: ReceivedMessage): string {
  const { body, properties, messageQueue, ...rest } = message
  const text = body.toString('utf8')
  // Binary bodies would be lost in JSON.
  const isText = Buffer.from(text, 'utf8').equals(body)
  const json = JSON.stringify({
    ...rest,
    brokerName: messageQueue.brokerName,
    queueId: messageQueue.queueId,
    ...(isText ? { body: text } : { bodyBase64: body.toString('base64') }),
    properties: Object.fromEntries(properties),
  })
  return printableJson(json)
}
