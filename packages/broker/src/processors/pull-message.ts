import {
  PullSysFlag,
  ResponseCode,
  type PullMessage,
  type SubscriptionGroupConfig,
} from '@skylarkmq/protocol'
import { HeldReply, refuse, type Outcome, type Processor, type Reply } from '@skylarkmq/remoting'
import type { GetMessageResult } from '@skylarkmq/store'
import type { BrokerContext } from '../broker-context.ts'
import { mayRead, type Permitted } from '../reading/may-read.ts'
import type { PullHeader, PullRequest } from '../reading/pull-request.ts'
import { codeOfGetStatus } from '../response-of-status.ts'

type PullReply = Reply<typeof PullMessage>

/** How long a pull waits whose group has read enough of the log's old part. Apache: `ColdDataPullRequestHoldService.java`. */
const COLD_HOLD_MS = 3_000

/** Most messages of one pull; brokers give out 32 at a time, unless they are told otherwise. */
const PULL_COUNT_MAX = 16_384

/** PULL_MESSAGE and LITE_PULL_MESSAGE. Apache: `PullMessageProcessor.java`. */
export const pullMessage: Processor<BrokerContext, typeof PullMessage> = (broker, request) => {
  const groupsBefore = broker.groups.dataVersion
  const permitted = mayRead(broker, request)
  if ('code' in permitted) return permitted
  if (broker.groups.dataVersion === groupsBefore) return pull(broker, request, permitted)
  // The pull has made its group.
  const { tried } = broker.groups
  if (tried === undefined) return pull(broker, request, permitted)
  return tried.then(() => pullMessage(broker, request))
}

function pull(
  broker: BrokerContext,
  request: PullRequest,
  permitted: Permitted,
): Outcome<typeof PullMessage> {
  const { header } = request
  const held = heldBack(broker, request)
  if (held !== undefined) return held
  const reset = broker.offsets.takeReset(header.consumerGroup, header.topic, header.queueId)
  if (reset !== undefined) return movedByReset(broker, header, reset)
  if ((header.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0 && isReached(broker, header)) {
    broker.offsets.commit(header.consumerGroup, header.topic, header.queueId, header.commitOffset)
  }
  const mayHold = (header.sysFlag & PullSysFlag.SUSPEND) !== 0
  return read(broker, request, permitted, mayHold)
}

/** Whether a queue has come to what its consumer commits: before a power cut it may have had more. */
function isReached(
  { store }: BrokerContext,
  { topic, queueId, commitOffset }: PullRequest['header'],
): boolean {
  return commitOffset >= 0 && commitOffset <= store.offsetMax(topic, queueId)
}

/** Reads the queue; holds the request when there is nothing and it may wait. */
function read(
  broker: BrokerContext,
  request: PullRequest,
  permitted: Permitted,
  mayHold: boolean,
  maxCount = request.header.maxMsgNums,
): Outcome<typeof PullMessage> {
  const { header } = request
  const limits = {
    // As many entries of the queue are looked at for a filter as are asked for.
    maxCount: Math.min(maxCount, PULL_COUNT_MAX),
    ...(header.maxMsgBytes === undefined || header.maxMsgBytes <= 0
      ? {}
      : { maxBytes: header.maxMsgBytes }),
  }
  const { topic, queueId, queueOffset } = header
  const result = broker.store.getMessage(topic, queueId, queueOffset, limits, permitted.filter)
  return result instanceof Promise
    ? result.then((later) => answer(broker, request, permitted, later, mayHold))
    : answer(broker, request, permitted, result, mayHold)
}

function answer(
  broker: BrokerContext,
  request: PullRequest,
  permitted: Permitted,
  result: GetMessageResult,
  mayHold: boolean,
): Outcome<typeof PullMessage> {
  const { header } = request
  const code = codeOfGetStatus(result.status, header.queueOffset)
  noteBroadcast(
    broker,
    request,
    code === ResponseCode.PULL_OFFSET_MOVED ? result.nextBeginOffset : header.queueOffset,
  )
  if (code === ResponseCode.PULL_NOT_FOUND && mayHold) return hold(broker, request, permitted)
  const { consumerGroup, topic, queueId } = header
  broker.coldData.add(consumerGroup, result.coldBytes)
  broker.offsets.pulled(consumerGroup, topic, queueId, result.nextBeginOffset)
  if (result.count > 0) broker.stats.groupGet(consumerGroup, topic, result.count, result.bytes)
  return {
    code,
    remark: remarkOf(result),
    header: {
      suggestWhichBrokerId: suggestion(broker, permitted.group, result),
      nextBeginOffset: result.nextBeginOffset,
      minOffset: result.offsetMin,
      maxOffset: result.offsetMax,
      topicSysFlag: permitted.topic.topicSysFlag,
      groupSysFlag: permitted.group.groupSysFlag,
    },
    ...(result.count > 0 ? { body: result.records } : {}),
  }
}

/** Notes how far a client of a broadcasting group has come. */
function noteBroadcast(
  { broadcasts, consumers }: BrokerContext,
  { header, connection }: PullRequest,
  offset: number,
): void {
  const group = consumers.get(header.consumerGroup)
  if (group?.messageModel !== 'BROADCASTING' || group.consumeType !== 'CONSUME_PASSIVELY') return
  const client = group.clients.get(connection)
  if (client === undefined) return
  broadcasts.pulled(header.topic, header.consumerGroup, header.queueId, offset, client.clientId)
}

/** A queue of a topic is there for Apache once somebody has asked for it. */
function remarkOf({ status }: GetMessageResult): string {
  return status === 'NO_MATCHED_LOGIC_QUEUE' ? 'NO_MESSAGE_IN_QUEUE' : status
}

function suggestion(
  broker: BrokerContext,
  group: SubscriptionGroupConfig,
  result: GetMessageResult,
): number {
  if (!broker.config.slaveReadEnable) return 0
  return result.suggestPullingFromSlave ? group.whichBrokerWhenConsumeSlowly : group.brokerId
}

function hold(
  broker: BrokerContext,
  request: PullRequest,
  permitted: Permitted,
): Promise<PullReply | HeldReply<typeof PullMessage>> {
  const { header, connection } = request
  const { config } = broker
  const ms = config.longPollingEnable ? header.suspendTimeoutMillis : config.shortPollingTimeMills
  return new Promise((resolve) => {
    const forget = broker.held.hold({
      group: header.consumerGroup,
      topic: header.topic,
      queueId: header.queueId,
      offset: header.queueOffset,
      filter: permitted.filter,
      untilMs: broker.env.clock.monotonic() + ms,
      run: () => {
        leave()
        resolve(new HeldReply(() => again(broker, request)))
      },
    })
    const leave = connection.onClose(() => {
      forget()
      resolve({ code: ResponseCode.PULL_NOT_FOUND })
    })
  })
}

/**
 * The answer for a group that has read enough of the log's old part: its push consumers are told to come again, its
 * pull consumers get one message after a while. Undefined for any other pull.
 */
function heldBack(
  broker: BrokerContext,
  request: PullRequest,
): Outcome<typeof PullMessage> | undefined {
  if (!isHeldBack(broker, request.header)) return undefined
  const group = broker.consumers.get(request.header.consumerGroup)
  if (group?.consumeType === 'CONSUME_PASSIVELY') {
    return refuse(
      ResponseCode.SYSTEM_BUSY,
      'This consumer group is reading cold data. It has been flow control',
    )
  }
  return new Promise((resolve) => {
    const timer = broker.env.clock.after(COLD_HOLD_MS, () => {
      leave()
      const isStill = isHeldBack(broker, request.header)
      resolve(new HeldReply(() => again(broker, request, isStill ? 1 : undefined)))
    })
    const leave = request.connection.onClose(() => {
      timer.cancel()
      resolve({ code: ResponseCode.PULL_NOT_FOUND })
    })
  })
}

function isHeldBack({ coldData, store }: BrokerContext, header: PullHeader): boolean {
  const { consumerGroup, topic, queueId, queueOffset } = header
  return coldData.isHeldBack(consumerGroup) && store.isCold(topic, queueId, queueOffset)
}

/** The same pull once more, without waiting and without committing: what may be read can have changed. */
function again(
  broker: BrokerContext,
  request: PullRequest,
  maxCount?: number,
): Outcome<typeof PullMessage> {
  const permitted = mayRead(broker, request)
  if ('code' in permitted) return permitted
  const { consumerGroup, topic, queueId } = request.header
  const reset = broker.offsets.takeReset(consumerGroup, topic, queueId)
  if (reset !== undefined) return movedByReset(broker, request.header, reset)
  return read(broker, request, permitted, false, maxCount)
}

function movedByReset(broker: BrokerContext, header: PullHeader, offset: number): PullReply {
  const { topic, queueId } = header
  return {
    code: ResponseCode.PULL_OFFSET_MOVED,
    remark: 'OFFSET_RESET',
    header: {
      suggestWhichBrokerId: 0,
      nextBeginOffset: offset,
      minOffset: broker.store.offsetMin(topic, queueId),
      maxOffset: broker.store.offsetMax(topic, queueId),
    },
  }
}
