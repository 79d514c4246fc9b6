import { nodeEnv, silentEvents, type Env } from '@skylarkmq/env'
import {
  EndTransaction,
  parseOffsetMsgId,
  queueKey,
  ResponseCode,
  SendBatchMessage,
  SkylarkError,
  SendMessageV2,
  type MessageQueue,
} from '@skylarkmq/protocol'
import { ClientInstance } from '../client-instance.ts'
import { ClientClosed, InvalidOption, NoRoute, SendFailed } from '../errors.ts'
import type { Message } from '../message.ts'
import { checkedGroup, type ClientOptions } from '../options.ts'
import { reasonOf } from '../reason.ts'
import { masterAddress, publishQueues } from '../route/topic-route.ts'
import type { Answer } from '../wire/call.ts'
import { prepareBatch, prepareMessage, sendHeader, type PreparedSend } from './encode-send.ts'
import { maySendAgain } from './retry.ts'
import { selectQueue, type QueueSelector } from './select-queue.ts'
import {
  answerChecks,
  endHeader,
  prepareHalfSend,
  type TransactionCheck,
  type TransactionDecision,
} from './transaction.ts'
import { uniqKeys } from './uniq-key.ts'

/** What a producer may be told. */
export interface ProducerOptions extends ClientOptions {
  /** Name of the producer group; default `SKYLARK_PRODUCER`. */
  readonly group?: string
  /** How long a send may take in all, its retries included, ms; default 3000. */
  readonly sendTimeoutMs?: number
  /** How often a send is tried again after the first try; default 2. */
  readonly retryTimes?: number
  /** Bodies of so many bytes and more are compressed with zlib; default 4096. */
  readonly compressOverBytes?: number
  /** Largest body, in bytes; default 4194304. The broker has a limit of its own. */
  readonly maxMessageBytes?: number
  /** Says what became of a transaction when a broker asks; needed for `sendInTransaction`. */
  readonly checkTransaction?: TransactionCheck
}

/** How one send differs from others. */
export interface SendOptions {
  /** The queue to send to. There is one try then. */
  readonly queue?: MessageQueue
  /** Chooses the queue, see `queueByHash`. There is one try then. */
  readonly selector?: QueueSelector
  /** As `sendTimeoutMs` of the producer. */
  readonly timeoutMs?: number
}

/** Whether a message that was stored is also as safe as the broker was asked to make it. */
export type SendStatus =
  'SEND_OK' | 'FLUSH_DISK_TIMEOUT' | 'FLUSH_SLAVE_TIMEOUT' | 'SLAVE_NOT_AVAILABLE'

/** What became of a message. */
export interface SendResult {
  readonly status: SendStatus
  /** The id that this producer gave it; those of a batch, joined by commas. */
  readonly msgId: string
  /** The id that says where it lies; those of a batch, joined by commas. */
  readonly offsetMsgId: string
  readonly messageQueue: MessageQueue
  /** Logical offset in the queue, in messages; of a batch the first. */
  readonly queueOffset: number
  readonly transactionId: string | undefined
  readonly regionId: string
}

const STATUSES: Readonly<Record<number, SendStatus>> = {
  [ResponseCode.SUCCESS]: 'SEND_OK',
  [ResponseCode.FLUSH_DISK_TIMEOUT]: 'FLUSH_DISK_TIMEOUT',
  [ResponseCode.SLAVE_NOT_AVAILABLE]: 'SLAVE_NOT_AVAILABLE',
  [ResponseCode.FLUSH_SLAVE_TIMEOUT]: 'FLUSH_SLAVE_TIMEOUT',
}
const STORED = [
  ResponseCode.FLUSH_DISK_TIMEOUT,
  ResponseCode.SLAVE_NOT_AVAILABLE,
  ResponseCode.FLUSH_SLAVE_TIMEOUT,
]

/**
 * Sends messages. Connects with the first one; `close` ends it. Apache: `DefaultMQProducerImpl.java`.
 *
 * ```ts
 * const producer = new Producer({ namesrvAddr: '127.0.0.1:9876', group: 'orders' })
 * const { msgId } = await producer.send({ topic: 'Orders', tag: 'paid', body: '{"id":1}' })
 * await producer.close()
 * ```
 */
export class Producer {
  readonly #client: ClientInstance
  readonly #group: string
  readonly #timeoutMs: number
  readonly #tries: number
  readonly #encode: { compressOverBytes: number; maxMessageBytes: number }
  readonly #nextId: () => string
  readonly #known = new Set<string>()
  #turn: number
  readonly #checks: boolean
  #isClosed = false

  /** Throws ERR_CLIENT_OPTION. */
  constructor(options: ProducerOptions = {}, env: Env = nodeEnv(silentEvents)) {
    this.#group = checkedGroup(options.group ?? 'SKYLARK_PRODUCER')
    this.#client = new ClientInstance(env, options)
    this.#client.producerGroups.add(this.#group)
    this.#timeoutMs = options.sendTimeoutMs ?? 3_000
    this.#tries = 1 + (options.retryTimes ?? 2)
    this.#encode = {
      compressOverBytes: options.compressOverBytes ?? 4096,
      maxMessageBytes: options.maxMessageBytes ?? 4 * 1024 * 1024,
    }
    this.#nextId = uniqKeys(env)
    this.#checks = options.checkTransaction !== undefined
    if (options.checkTransaction !== undefined) {
      answerChecks(this.#client, this.#group, options.checkTransaction)
    }
    this.#turn = Math.floor(env.random.next() * 0x10000)
  }

  /**
   * Sends one message and waits until it is stored. It is tried again on other brokers while there is time, so a
   * message may be stored twice when an answer was lost.
   *
   * Rejects with ERR_CLIENT_MESSAGE, ERR_CLIENT_NAMESRV, ERR_CLIENT_NO_ROUTE, ERR_CLIENT_BROKER when the broker
   * refuses it, or ERR_CLIENT_SEND when no try had an answer.
   */
  send(message: Message, options: SendOptions = {}): Promise<SendResult> {
    return this.#deliver(() => prepareMessage(message, this.#nextId, this.#encode), options)
  }

  /** Sends several messages of one topic at once, all to one queue, all or none. Rejects as `send`. */
  sendBatch(messages: readonly Message[], options: SendOptions = {}): Promise<SendResult> {
    return this.#deliver(() => prepareBatch(messages, this.#nextId, this.#encode), options)
  }

  /**
   * Sends a message that nobody gets before `run` says 'commit'. `run` is called once the broker has the message; what
   * it decides is told to the broker without waiting. When it says 'unknown', throws, or this process dies, the broker
   * asks `checkTransaction` of any producer of the group later. A message that is not as safe as the broker was asked to
   * make it is rolled back, and `run` is not called.
   *
   * Rejects as `send`, with ERR_CLIENT_OPTION without `checkTransaction`, and with what `run` throws.
   */
  async sendInTransaction(
    message: Message,
    run: (sent: SendResult) => TransactionDecision | Promise<TransactionDecision>,
    options: SendOptions = {},
  ): Promise<SendResult & { readonly decision: TransactionDecision }> {
    if (!this.#checks) {
      throw new InvalidOption({ option: 'checkTransaction', problem: 'transactions need it' })
    }
    const prepare = (): PreparedSend =>
      prepareHalfSend(message, prepareMessage(message, this.#nextId, this.#encode), this.#group)
    const sent = await this.#deliver(prepare, options)
    const decision = sent.status === 'SEND_OK' ? await run(sent) : 'rollback'
    if (decision !== 'unknown') await this.#end(message.topic, sent, decision)
    return { ...sent, decision }
  }

  /** Tells the broker; one that cannot be reached asks later. */
  async #end(topic: string, sent: SendResult, decision: TransactionDecision): Promise<void> {
    const physicalOffset = parseOffsetMsgId(sent.offsetMsgId)?.physicalOffset
    const address = masterAddress(await this.#route(topic), sent.messageQueue.brokerName)
    if (address === undefined || physicalOffset === undefined) return
    const half = { ...sent, physicalOffset }
    const header = endHeader(this.#group, topic, half, decision, false)
    try {
      await this.#client.caller.oneway(address, EndTransaction, header)
    } catch (error) {
      if (!(error instanceof SkylarkError)) throw error
    }
  }

  /**
   * Sends one message without waiting for an answer: it may be lost. Returns its id. Rejects with
   * ERR_CLIENT_MESSAGE, ERR_CLIENT_NAMESRV, ERR_CLIENT_NO_ROUTE or ERR_REMOTING_CONNECT.
   */
  async sendOneway(message: Message, options: SendOptions = {}): Promise<string> {
    const prepared = prepareMessage(message, this.#nextId, this.#encode)
    const route = await this.#route(prepared.topic)
    const queue = this.#choose(prepared.topic, publishQueues(prepared.topic, route), options)
    const address = masterAddress(route, queue.brokerName)
    if (address === undefined) throw noMaster(queue)
    const header = this.#header(prepared, queue)
    await this.#client.caller.oneway(address, SendMessageV2, header, prepared.body)
    return prepared.msgIds[0] ?? ''
  }

  /** The queues that messages of a topic may be sent to. Rejects with ERR_CLIENT_NAMESRV or ERR_CLIENT_NO_ROUTE. */
  async fetchPublishQueues(topic: string): Promise<MessageQueue[]> {
    return publishQueues(topic, await this.#route(topic))
  }

  /** Tells the brokers, and closes the connections. Sends that wait are rejected. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#client.close()
  }

  async #route(topic: string): ReturnType<ClientInstance['routes']['forSending']> {
    if (this.#isClosed) throw new ClientClosed({ what: `the producer ${this.#group}` })
    this.#client.start()
    const route = await this.#client.routes.forSending(topic)
    // Brokers must know the group before one of them wants to ask back about a transaction.
    if (!this.#known.has(topic)) {
      this.#known.add(topic)
      await this.#client.heartbeat()
    }
    return route
  }

  async #deliver(prepare: () => PreparedSend, options: SendOptions): Promise<SendResult> {
    const { clock } = this.#client.env
    const deadline = clock.monotonic() + (options.timeoutMs ?? this.#timeoutMs)
    const prepared = prepare()
    const { topic } = prepared
    const isChosen = options.queue !== undefined || options.selector !== undefined
    const tries = isChosen ? 1 : this.#tries
    const failed: string[] = []
    let last: unknown
    for (let tried = 0; tried < tries; tried++) {
      const route = await this.#route(topic)
      const leftMs = deadline - clock.monotonic()
      if (leftMs <= 0 && tried > 0) break
      const queue = this.#choose(topic, publishQueues(topic, route), options, failed.at(-1))
      try {
        const address = masterAddress(route, queue.brokerName)
        if (address === undefined) throw noMaster(queue)
        return await this.#try(address, prepared, queue, Math.max(1, leftMs))
      } catch (error) {
        if (!maySendAgain(error)) throw error
        last = error
        failed.push(queue.brokerName)
      }
    }
    if (tries === 1 || failed.length === 0) throw last
    const brokers = `${failed.join(', ')}; at last: ${reasonOf(last)}`
    throw new SendFailed({ topic, tries: failed.length, brokers }, last)
  }

  #choose(
    topic: string,
    queues: readonly MessageQueue[],
    options: SendOptions,
    avoid?: string,
  ): MessageQueue {
    const { queue, selector } = options
    if (queue !== undefined) return queue
    if (queues.length === 0) {
      throw new NoRoute({ topic, reason: 'none of its queues may be written' })
    }
    if (selector === undefined) return selectQueue(queues, this.#turn++, avoid) as MessageQueue
    const selected = selector(queues)
    const isOne = selected !== undefined && queues.some((q) => queueKey(q) === queueKey(selected))
    if (isOne) return selected
    throw new NoRoute({ topic, reason: 'the selector gave none of its queues' })
  }

  #header(prepared: PreparedSend, { queueId }: MessageQueue): ReturnType<typeof sendHeader> {
    const bornTimestamp = this.#client.env.clock.now()
    return sendHeader(prepared, { producerGroup: this.#group, queueId, bornTimestamp })
  }

  async #try(
    address: string,
    prepared: PreparedSend,
    queue: MessageQueue,
    timeoutMs: number,
  ): Promise<SendResult> {
    const definition = prepared.isBatch ? SendBatchMessage : SendMessageV2
    const header = this.#header(prepared, queue)
    const options = { body: prepared.body, timeoutMs, accept: STORED }
    const answer = await this.#client.caller.call(address, definition, header, options)
    return resultOf(answer, prepared, queue)
  }
}

function resultOf(
  answer: Answer<typeof SendMessageV2>,
  prepared: PreparedSend,
  queue: MessageQueue,
): SendResult {
  const header = answer.header()
  return {
    status: STATUSES[answer.code] ?? 'SEND_OK',
    msgId: prepared.msgIds.join(','),
    offsetMsgId: header.msgId,
    messageQueue: { ...queue, queueId: header.queueId },
    queueOffset: header.queueOffset,
    transactionId: header.transactionId,
    regionId: header.MSG_REGION ?? 'DefaultRegion',
  }
}

function noMaster({ topic, brokerName }: MessageQueue): NoRoute {
  return new NoRoute({ topic, reason: `the broker ${brokerName} has no master` })
}
