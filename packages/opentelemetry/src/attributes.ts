import type { Attributes } from '@opentelemetry/api'
import type { ProcessTrace, SendTrace } from '@skylarkmq/client'

/** Operation types of the semantic conventions, by method of a producer. */
const OPERATION_TYPES: Readonly<Record<string, string>> = { prepare: 'create' }

/** Attributes of a span of a send at its start. */
export function sendAttributes({ group, topic, count, operation, message }: SendTrace): Attributes {
  const { tag, keys, shardingKey, delayLevel, delay, deliverAt } = message ?? {}
  const keyList = typeof keys === 'string' ? keys.split(' ') : keys
  const isDelayed = [delayLevel, delay, deliverAt].some((each) => each !== undefined)
  return {
    'messaging.system': 'rocketmq',
    'messaging.operation.name': operation,
    'messaging.operation.type': OPERATION_TYPES[operation] ?? 'send',
    'messaging.destination.name': topic,
    'messaging.rocketmq.client_group': group,
    'messaging.rocketmq.message.type': typeOf(operation, shardingKey, isDelayed),
    'messaging.rocketmq.message.tag': tag,
    'messaging.rocketmq.message.keys': keyList === undefined ? undefined : [...keyList],
    'messaging.rocketmq.message.group': shardingKey,
    'messaging.rocketmq.message.delay_time_level': delayLevel,
    'messaging.rocketmq.message.delivery_timestamp':
      deliverAt === undefined ? undefined : Number(deliverAt),
    'messaging.batch.message_count': operation === 'sendBatch' ? count : undefined,
  }
}

function typeOf(operation: string, shardingKey: string | undefined, isDelayed: boolean): string {
  if (operation === 'sendInTransaction') return 'transaction'
  if (isDelayed) return 'delay'
  return shardingKey === undefined ? 'normal' : 'fifo'
}

/** Attributes of a span of a send for its result. */
export function resultAttributes({ result, operation }: SendTrace): Attributes {
  if (typeof result === 'string') return { 'messaging.message.id': result }
  if (Array.isArray(result) || result === undefined || operation === 'request') return {}
  const { msgId, messageQueue } = result as { msgId: string; messageQueue?: { queueId: number } }
  const partition = messageQueue === undefined ? undefined : String(messageQueue.queueId)
  return { 'messaging.message.id': msgId, 'messaging.destination.partition.id': partition }
}

/** Attributes of a span of a handler. */
export function processAttributes({ group, message, reconsumeTimes }: ProcessTrace): Attributes {
  const { topic, tag, keys, msgId, messageQueue, body } = message
  return {
    'messaging.system': 'rocketmq',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(messageQueue.queueId),
    'messaging.consumer.group.name': group,
    'messaging.rocketmq.client_group': group,
    'messaging.message.id': msgId,
    'messaging.message.body.size': body.length,
    'messaging.rocketmq.message.tag': tag,
    'messaging.rocketmq.message.keys': keys.length === 0 ? undefined : [...keys],
    'rocketmq.message.reconsume_times': reconsumeTimes,
  }
}
