import type { Env } from '@skylarkmq/env'
import { delayOffsetTableBody, isSystemGroup } from '@skylarkmq/protocol'
import type { FullBrokerConfig } from './all-options.ts'
import { ConsumerOffsetTable } from './consumer/consumer-offset-table.ts'
import { ConsumerFilterTable } from './filter/consumer-filter-table.ts'
import { JsonFile } from './json-table.ts'
import { MessageRequestModeTable } from './subscription/message-request-mode-table.ts'
import { SubscriptionGroupTable } from './subscription/subscription-group-table.ts'
import type { TableLimits } from './table-limits.ts'
import { TopicConfigTable } from './topic/topic-config-table.ts'

/** Reads the files of `config/`. Throws ERR_BROKER_CONFIG_FILE. */
export function readTables(
  env: Env,
  config: FullBrokerConfig,
  limits: TableLimits,
  folder: string,
) {
  const { enableLmq } = config
  const saveSpaceMs = () => config.configSaveInterval
  const isSynced = () => config.flushDiskType === 'SYNC_FLUSH'
  new JsonFile(env, `${folder}/delayOffset.json`).load(delayOffsetTableBody)
  return {
    topics: new TopicConfigTable(env, {
      path: `${folder}/topics.json`,
      clusterName: config.brokerClusterName,
      brokerName: config.brokerName,
      defaultTopicQueueNums: config.defaultTopicQueueNums,
      autoCreateTopicEnable: config.autoCreateTopicEnable,
      traceTopicEnable: config.traceTopicEnable,
      traceTopicName: config.msgTraceTopicName,
      enableLmq,
      maxQueuesPerTopic: config.maxQueuesPerTopic,
      limit: limits.topics,
      saveSpaceMs,
      isSynced,
    }),
    groups: new SubscriptionGroupTable(env, {
      path: `${folder}/subscriptionGroup.json`,
      mayCreate: (group) =>
        config.autoCreateSubscriptionGroup || (config.enableCreateSysGroup && isSystemGroup(group)),
      hasLightQueues: enableLmq,
      limits,
      saveSpaceMs,
      isSynced,
    }),
    offsets: new ConsumerOffsetTable(
      env,
      `${folder}/${enableLmq ? 'lmqConsumerOffset' : 'consumerOffset'}.json`,
      enableLmq,
      limits.offsets,
    ),
    requestModes: new MessageRequestModeTable(env, `${folder}/messageRequestMode.json`, {
      limit: limits.requestModes,
      saveSpaceMs,
      isSynced,
    }),
    filters: new ConsumerFilterTable(env, {
      path: `${folder}/consumerFilter.json`,
      maxErrorRateOfBloomFilter: config.maxErrorRateOfBloomFilter,
      expectConsumerNumUseFilter: config.expectConsumerNumUseFilter,
      cleanTimeSpanMs: () => config.filterDataCleanTimeSpan,
      limit: limits.filters,
    }),
  }
}
