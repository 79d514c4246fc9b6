import { Perm, SystemTopic } from '@skylarkmq/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { askProducer } from '../producer/ask-producer.ts'
import { ensureTopic } from '../topic/auto-create.ts'
import type { TransactionParts } from './needs.ts'

/** The parts of a broker that transactions need. */
export function transactionParts(
  broker: Pick<
    BrokerContext,
    'env' | 'config' | 'store' | 'topics' | 'offsets' | 'stats' | 'producers'
  >,
): TransactionParts {
  const { env, config, store, topics, offsets, stats, producers } = broker
  return {
    env,
    store,
    offsets,
    config,
    ask: (group, request) => askProducer(producers, group, request),
    stored: (topic, sizeBytes) => {
      stats.topicPut(topic, 1, sizeBytes)
    },
    meter: stats.meter,
    ensureDiscardTopic: () => {
      ensureTopic(topics, SystemTopic.TRANS_CHECK_MAX_TIME, 1, Perm.READ | Perm.WRITE, 0)
    },
  }
}
