import {
  CURRENT_VERSION,
  encodeHeader,
  encodeRegisterBrokerBody,
  encodeTopicRouteData,
  isReadable,
  isWriteable,
  RegisterTopicInNamesrv,
  type TopicConfig,
} from '@skylarkmq/protocol'
import type { BrokerConfig } from '../options.ts'
import type { TopicConfigTable } from '../topic/topic-config-table.ts'

/**
 * A larger registration is compressed whatever `compressedRegister` says: plain, that of about 90,000 topics is more
 * than a frame may be.
 */
const PLAIN_BYTES_MAX = 4 * 1024 * 1024

/** All topics as a registration has them, and whether that is compressed. */
export function registrationBody(
  topics: TopicConfigTable,
  config: BrokerConfig,
): { body: Buffer; compressed: boolean } {
  const topicConfigTable = new Map<string, TopicConfig>()
  for (const [name, topic] of topics.all) {
    const perm = permOf(topic, config)
    topicConfigTable.set(name, perm === topic.perm ? topic : { ...topic, perm })
  }
  const registration = {
    topicConfigSerializeWrapper: {
      dataVersion: topics.dataVersion,
      mappingDataVersion: topics.dataVersion,
      topicConfigTable,
      topicQueueMappingDetailMap: new Map(),
      topicQueueMappingInfoMap: new Map(),
    },
    filterServerList: [],
  }
  const encode = (compressed: boolean): Buffer =>
    encodeRegisterBrokerBody(registration, { version: CURRENT_VERSION, compressed })
  if (!config.compressedRegister) {
    const body = encode(false)
    if (body.length <= PLAIN_BYTES_MAX) return { body, compressed: false }
  }
  return { body: encode(true), compressed: true }
}

/** The request that tells a name server of one topic. Apache: `BrokerOuterAPI.java`, registerSingleTopicAll. */
export function topicRegistration(topic: TopicConfig, config: BrokerConfig) {
  const { topicName, readQueueNums, writeQueueNums, topicSysFlag } = topic
  const { brokerName } = config
  const perm = permOf(topic, config)
  const body = encodeTopicRouteData(
    {
      queueDatas: [{ brokerName, readQueueNums, writeQueueNums, perm, topicSysFlag }],
      brokerDatas: [],
      filterServerTable: new Map(),
    },
    'standard',
  )
  const { code, name } = RegisterTopicInNamesrv
  return { code, name, fields: encodeHeader(RegisterTopicInNamesrv, { topic: topicName }), body }
}

/** As in Apache, the broker's permission counts only while it lacks something. */
function permOf({ perm }: TopicConfig, { brokerPermission }: BrokerConfig): number {
  const isOpen = isReadable(brokerPermission) && isWriteable(brokerPermission)
  return isOpen ? perm : perm & brokerPermission
}
