import { defineRequest } from '../schema/define-request.ts'
import { optional, required, string, timestampMs } from '../schema/fields.ts'
import { topicName } from '../schema/name-fields.ts'
import { rpcFields, topicFields } from './common-fields.ts'

/** Changes options of the running broker; the body has lines `key=value`. */
export const UpdateBrokerConfig = defineRequest({
  code: 25,
  name: 'UPDATE_BROKER_CONFIG',
  doc: 'Changes options of the running broker; the body has lines `key=value`.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Asks for the options of the broker. */
export const GetBrokerConfig = defineRequest({
  code: 26,
  name: 'GET_BROKER_CONFIG',
  doc: 'Asks for the options of the broker.',
  source: 'GetBrokerConfigResponseHeader.java, AdminBrokerProcessor.java',
  header: {},
  reply: {
    version: required(string, 'DataVersion of the options, as JSON.'),
  },
})

/** Asks for what the broker counts and measures. */
export const GetBrokerRuntimeInfo = defineRequest({
  code: 28,
  name: 'GET_BROKER_RUNTIME_INFO',
  doc: 'Asks for what the broker counts and measures.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Deletes queue files whose messages are gone. */
export const CleanExpiredConsumequeue = defineRequest({
  code: 306,
  name: 'CLEAN_EXPIRED_CONSUMEQUEUE',
  doc: 'Deletes queue files whose messages are gone.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Deletes queues of topics that are gone. */
export const CleanUnusedTopic = defineRequest({
  code: 316,
  name: 'CLEAN_UNUSED_TOPIC',
  doc: 'Deletes queues of topics that are gone.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Deletes commit log files that are old enough. */
export const DeleteExpiredCommitlog = defineRequest({
  code: 329,
  name: 'DELETE_EXPIRED_COMMITLOG',
  doc: 'Deletes commit log files that are old enough.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Compares consume queues in files with those in RocksDB. */
export const CheckRocksdbCqWriteProgress = defineRequest({
  code: 354,
  name: 'CHECK_ROCKSDB_CQ_WRITE_PROGRESS',
  doc: 'Compares consume queues in files with those in RocksDB.',
  source: 'CheckRocksdbCqWriteProgressRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    checkStoreTime: optional(timestampMs, 'Messages from this time on, ms.'),
  },
  reply: {},
})

/** Writes configuration in RocksDB out as JSON. */
export const ExportRocksdbConfigToJson = defineRequest({
  code: 355,
  name: 'EXPORT_ROCKSDB_CONFIG_TO_JSON',
  doc: 'Writes configuration in RocksDB out as JSON.',
  source: 'ExportRocksDBConfigToJsonRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    configType: required(string, 'Which tables, separated by semicolons.'),
  },
  reply: {},
})

/** Asks how many timer messages wait, by topic. */
export const GetTimerMetrics = defineRequest({
  code: 61,
  name: 'GET_TIMER_METRICS',
  doc: 'Asks how many timer messages wait, by topic.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Asks for the state of the timer wheel, as bytes; slaves do. */
export const GetTimerCheckPoint = defineRequest({
  code: 60,
  name: 'GET_TIMER_CHECK_POINT',
  doc: 'Asks for the state of the timer wheel, as bytes; slaves do.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})
