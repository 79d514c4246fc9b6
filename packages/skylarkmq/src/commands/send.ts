import { Producer, type Message, type SendResult } from '@skylarkmq/client'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
import { InvalidArgumentError, type Command } from 'commander'
import { exitCodeOf } from '../exit-codes.ts'
import { accountOf, atCluster, namesrvAddrOf } from '../session.ts'
import { explain, print } from '../terminal.ts'
import { count } from './client-flags.ts'

interface SendFlags {
  namesrvAddr?: string
  context?: string
  accessKey?: string
  secretKey?: string
  tag?: string
  keys?: string
  property?: Record<string, string>
  count: number
  delay?: number
}

/** Number of delay levels of brokers with the default messageDelayLevel. */
const LEVEL_MAX = 18

/** Adds `send`. */
export function addSendCommand(program: Command): void {
  atCluster(program.command('send'))
    .description('send a message and print where it is stored')
    .argument('<topic>', 'topic to send to')
    .argument('<body>', 'text of the message; - reads it from standard input')
    .option('--tag <tag>', 'tag, by which subscriptions filter')
    .option('--keys <keys>', 'keys to find the message by, separated by spaces')
    .option('--property <name=value>', 'a user property; may be repeated', property)
    .option('--count <n>', 'send it this many times', count, 1)
    .option('--delay <level>', 'deliver later: 1 is 1 s, 4 is 30 s, 18 is 2 h', delay)
    .addHelpText(
      'after',
      `
Prints one line per message: its id, broker, queue and offset.

Examples:
  skylark send Hello 'hello, world'
  skylark send Orders '{"id":7}' --tag paid --keys 7
  cat invoice.pdf | skylark send Invoices -`,
    )
    .action(async (topic: string, body: string, flags: SendFlags) => {
      process.exitCode = await send(topic, body, flags)
    })
}

async function send(topic: string, text: string, flags: SendFlags): Promise<number> {
  let producer: Producer | undefined
  try {
    // Failures are reported by the error; a warning would repeat them.
    const env = nodeEnv(silentEvents)
    producer = new Producer(
      {
        ...accountOf(flags),
        namesrvAddr: namesrvAddrOf(flags),
        group: 'SKYLARK_CLI',
        startTimeoutMs: 0,
      },
      env,
    )
    const message: Message = {
      topic,
      body: text === '-' ? await standardInput() : text,
      tag: flags.tag,
      keys: flags.keys?.split(/\s+/),
      properties: flags.property,
      delayLevel: flags.delay,
    }
    for (let i = 0; i < flags.count; i++) print(resultLine(await producer.send(message)))
    return 0
  } catch (error) {
    explain(error)
    return exitCodeOf(error)
  } finally {
    await producer?.close()
  }
}

function resultLine({ status, msgId, messageQueue, queueOffset }: SendResult): string {
  const { brokerName, queueId } = messageQueue
  const line = `${msgId}  broker ${brokerName}  queue ${queueId}  offset ${queueOffset}`
  return status === 'SEND_OK' ? line : `${line}  ${status}`
}

async function standardInput(): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function property(text: string, before: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('A property is name=value.')
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
}

function delay(text: string): number {
  const level = Number(text)
  if (/^\d+$/.test(text) && level >= 0 && level <= LEVEL_MAX) return level
  throw new InvalidArgumentError(`A level is a whole number from 0 to ${LEVEL_MAX}.`)
}
