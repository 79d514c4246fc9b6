/**
 * A request of each kind that both makes answer alike, for `cases.mjs` to change field by field. `n` is another for each
 * case: what a request makes or removes is its own, so that no case meets what another left behind.
 */
import { pullFields } from '../lib/remoting.mjs'

/** What both makes have before the first case, see `state.mjs`. */
export const names = {
  topic: 'fields-topic',
  sent: 'fields-sent',
  batches: 'fields-batches',
  group: 'fields-group',
  online: 'fields-online',
  producers: 'fields-producers',
  clientId: 'fields-client',
  key: 'fields-key',
  cluster: 'DefaultCluster',
  broker: 'broker-a',
  namespace: 'fields-namespace',
  fake: 'fields-broker',
}

const json = (value) => Buffer.from(JSON.stringify(value))
const text = (value) => Buffer.from(value)

/** The body of a batch: one message without properties. */
export function batchBody(body = 'of a batch') {
  const bytes = Buffer.from(body)
  const head = Buffer.alloc(20)
  head.writeInt32BE(22 + bytes.length, 0)
  head.writeInt32BE(bytes.length, 16)
  return Buffer.concat([head, bytes, Buffer.alloc(2)])
}

const topicConfig = (topicName) => ({
  topicName,
  readQueueNums: 2,
  writeQueueNums: 2,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  topicSysFlag: 0,
  order: false,
  attributes: {},
})

/** The settings of a group as a body has them. */
export const groupConfig = (groupName) => ({
  groupName,
  consumeEnable: true,
  consumeFromMinEnable: true,
  consumeBroadcastEnable: true,
  retryQueueNums: 1,
  retryMaxTimes: 16,
  brokerId: 0,
  whichBrokerWhenConsumeSlowly: 1,
  notifyConsumerIdsChangedEnable: true,
})

const queue = { topic: names.topic, brokerName: names.broker, queueId: 0 }

/** A heartbeat of one producer and one consumer. */
export const heartbeat = (clientID, producerGroup, consumerGroup, topic = names.topic) => ({
  clientID,
  heartbeatFingerprint: 0,
  withoutSub: false,
  producerDataSet: [{ groupName: producerGroup }],
  consumerDataSet: [
    {
      groupName: consumerGroup,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      unitMode: false,
      subscriptionDataSet: [
        {
          topic,
          subString: '*',
          tagsSet: [],
          codeSet: [],
          subVersion: 1,
          expressionType: 'TAG',
          classFilterMode: false,
        },
      ],
    },
  ],
})

const sendV1 = (topic) => ({
  producerGroup: names.producers,
  topic,
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: '4',
  queueId: '0',
  sysFlag: '0',
  bornTimestamp: '1700000000000',
  flag: '0',
  properties: 'TAGS\u0001a\u0002',
  reconsumeTimes: '0',
  unitMode: 'false',
  maxReconsumeTimes: '16',
  batch: 'false',
})

const sendV2 = (topic) =>
  Object.fromEntries(Object.values(sendV1(topic)).map((value, i) => ['abcdefghijklm'[i], value]))

const ofQueue = { topic: names.topic, queueId: '0' }
const member = (n) => ({
  brokerName: `${names.fake}-${n}`,
  brokerAddr: `127.0.0.1:${n.split('-')[1]}`,
  clusterName: `${names.fake}-cluster-${n}`,
  brokerId: '0',
})

const dataVersion = { stateVersion: 0, timestamp: 1, counter: 1 }

/** The body of a registration: a topic and one more, since a new broker with one topic is not taken. */
export const registration = (topic) => ({
  topicConfigSerializeWrapper: {
    topicConfigTable: { [topic]: topicConfig(topic), second: topicConfig('second') },
    dataVersion,
    topicQueueMappingDetailMap: {},
    topicQueueMappingInfoMap: {},
    mappingDataVersion: dataVersion,
  },
  filterServerList: [],
})

/** The unique key of the half message that the case `n` ends. */
export const keyOfHalf = (n) => n.replaceAll(/[^0-9a-z]/g, '').padStart(32, '0')

/**
 * Name of the request to `(n, state) => ({ fields, body, topics, groups })`: `topics` and `groups` are made before. A
 * request that is not here has no fields of its own.
 */
export const brokerBases = {
  SEND_MESSAGE: () => ({ fields: sendV1(names.sent), body: text('hello') }),
  SEND_MESSAGE_V2: () => ({ fields: sendV2(names.sent), body: text('hello') }),
  SEND_BATCH_MESSAGE: () => ({ fields: { ...sendV2(names.sent), m: 'true' }, body: batchBody() }),
  SEND_REPLY_MESSAGE: () => ({ fields: sendV1('DefaultCluster_REPLY_TOPIC'), body: text('hello') }),
  SEND_REPLY_MESSAGE_V2: () => ({
    fields: sendV2('DefaultCluster_REPLY_TOPIC'),
    body: text('hello'),
  }),
  PULL_MESSAGE: () => ({ fields: pullFields(names.group, names.topic, 0, 0) }),
  LITE_PULL_MESSAGE: () => ({ fields: pullFields(names.group, names.topic, 0, 0) }),
  QUERY_MESSAGE: () => ({
    fields: {
      topic: names.topic,
      key: names.key,
      maxNum: '32',
      beginTimestamp: '0',
      endTimestamp: '9223372036854775807',
      _UNIQUE_KEY_QUERY: 'false',
    },
  }),
  VIEW_MESSAGE_BY_ID: (_, { offset }) => ({ fields: { offset, topic: names.topic } }),
  QUERY_CONSUMER_OFFSET: () => ({ fields: { ...ofQueue, consumerGroup: names.group } }),
  UPDATE_CONSUMER_OFFSET: (n) => ({
    fields: { ...ofQueue, consumerGroup: `group-${n}`, commitOffset: '1' },
    groups: [`group-${n}`],
  }),
  SEARCH_OFFSET_BY_TIMESTAMP: () => ({
    fields: { ...ofQueue, timestamp: '0', boundaryType: 'lower' },
  }),
  GET_MAX_OFFSET: () => ({ fields: { ...ofQueue, committed: 'true' } }),
  GET_MIN_OFFSET: () => ({ fields: ofQueue }),
  GET_EARLIEST_MSG_STORETIME: () => ({ fields: ofQueue }),
  HEART_BEAT: (n) => ({ fields: {}, body: json(heartbeat(`c-${n}`, `p-${n}`, `group-${n}`)) }),
  UNREGISTER_CLIENT: (n) => ({
    fields: { clientID: `c-${n}`, producerGroup: `p-${n}`, consumerGroup: `group-${n}` },
  }),
  CHECK_CLIENT_CONFIG: (n) => ({
    fields: {},
    body: json({
      clientId: `c-${n}`,
      group: names.group,
      subscriptionData: { topic: names.topic, subString: 'a > 1', expressionType: 'SQL92' },
    }),
  }),
  GET_CONSUMER_LIST_BY_GROUP: () => ({ fields: { consumerGroup: names.online } }),
  LOCK_BATCH_MQ: (n) => ({
    fields: {},
    body: json({ consumerGroup: `group-${n}`, clientId: `c-${n}`, mqSet: [queue] }),
  }),
  UNLOCK_BATCH_MQ: (n) => ({
    fields: {},
    body: json({ consumerGroup: `group-${n}`, clientId: `c-${n}`, mqSet: [queue] }),
  }),
  CONSUMER_SEND_MSG_BACK: (n, { offset }) => ({
    fields: {
      offset,
      group: names.group,
      delayLevel: '1',
      originMsgId: 'x',
      originTopic: names.topic,
      unitMode: 'false',
      maxReconsumeTimes: '16',
    },
  }),
  END_TRANSACTION: (n, { halves }) => ({
    fields: {
      topic: names.topic,
      producerGroup: names.producers,
      tranStateTableOffset: halves?.get(n)?.queueOffset ?? '0',
      commitLogOffset: halves?.get(n)?.offset ?? '0',
      commitOrRollback: '8',
      fromTransactionCheck: 'false',
      msgId: keyOfHalf(n),
      transactionId: keyOfHalf(n),
    },
  }),
  RESUME_CHECK_HALF_MESSAGE: () => ({ fields: { topic: names.topic, msgId: 'x' } }),
  RECALL_MESSAGE: (_, { recallHandle }) => ({
    fields: { producerGroup: names.producers, topic: names.topic, recallHandle },
  }),
  INVOKE_BROKER_TO_RESET_OFFSET: (n) => ({
    fields: {
      topic: names.topic,
      group: `group-${n}`,
      queueId: '0',
      offset: '1',
      timestamp: '-1',
      isForce: 'true',
    },
    groups: [`group-${n}`],
  }),
  INVOKE_BROKER_TO_GET_CONSUMER_STATUS: () => ({
    fields: { topic: names.topic, group: names.online, clientAddr: names.clientId },
  }),
  GET_CONSUMER_RUNNING_INFO: () => ({
    fields: { consumerGroup: names.online, clientId: names.clientId, jstackEnable: 'false' },
  }),
  CONSUME_MESSAGE_DIRECTLY: (_, { msgId }) => ({
    fields: {
      consumerGroup: names.online,
      clientId: names.clientId,
      msgId,
      brokerName: names.broker,
      topic: names.topic,
      topicSysFlag: '0',
      groupSysFlag: '0',
    },
  }),
  QUERY_ASSIGNMENT: () => ({
    fields: {},
    body: json({
      topic: names.topic,
      consumerGroup: names.online,
      clientId: names.clientId,
      strategyName: 'AVG',
      messageModel: 'CLUSTERING',
    }),
  }),
  SET_MESSAGE_REQUEST_MODE: (n) => ({
    fields: {},
    body: json({
      topic: names.topic,
      consumerGroup: `group-${n}`,
      mode: 'PULL',
      popShareQueueNum: 0,
    }),
    groups: [`group-${n}`],
  }),
  UPDATE_AND_CREATE_TOPIC: (n) => ({
    fields: {
      topic: `made-${n}`,
      defaultTopic: 'TBW102',
      readQueueNums: '2',
      writeQueueNums: '2',
      perm: '6',
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: '0',
      order: 'false',
      attributes: '',
      force: 'false',
    },
  }),
  UPDATE_AND_CREATE_TOPIC_LIST: (n) => ({
    fields: {},
    body: json({ topicConfigList: [topicConfig(`made-${n}`)] }),
  }),
  DELETE_TOPIC_IN_BROKER: (n) => ({ fields: { topic: `topic-${n}` }, topics: [`topic-${n}`] }),
  GET_TOPIC_CONFIG: () => ({ fields: { topic: names.topic } }),
  GET_TOPIC_STATS_INFO: () => ({ fields: { topic: names.topic } }),
  QUERY_TOPIC_CONSUME_BY_WHO: () => ({ fields: { topic: names.topic } }),
  QUERY_TOPICS_BY_CONSUMER: () => ({ fields: { group: names.group } }),
  QUERY_SUBSCRIPTION_BY_CONSUMER: () => ({ fields: { group: names.online, topic: names.topic } }),
  QUERY_CONSUME_TIME_SPAN: () => ({ fields: { topic: names.topic, group: names.group } }),
  QUERY_CONSUME_QUEUE: () => ({
    fields: { ...ofQueue, index: '0', count: '4', consumerGroup: names.online },
  }),
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: (n) => ({
    fields: {},
    body: json(groupConfig(`made-group-${n}`)),
  }),
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: (n) => ({
    fields: {},
    body: json({ groupConfigList: [groupConfig(`made-group-${n}`)] }),
  }),
  GET_SUBSCRIPTIONGROUP_CONFIG: () => ({ fields: { group: names.group } }),
  DELETE_SUBSCRIPTIONGROUP: (n) => ({
    fields: { groupName: `group-${n}`, cleanOffset: 'true' },
    groups: [`group-${n}`],
  }),
  UPDATE_AND_GET_GROUP_FORBIDDEN: (n) => ({
    fields: { group: `group-${n}`, topic: names.topic, readable: 'true' },
    groups: [`group-${n}`],
  }),
  GET_CONSUMER_CONNECTION_LIST: () => ({ fields: { consumerGroup: names.online } }),
  GET_PRODUCER_CONNECTION_LIST: () => ({ fields: { producerGroup: names.producers } }),
  GET_CONSUME_STATS: () => ({
    fields: { consumerGroup: names.group, topic: names.topic, topicList: '' },
  }),
  GET_BROKER_CONSUME_STATS: () => ({ fields: { isOrder: 'false' } }),
  QUERY_CORRECTION_OFFSET: () => ({
    fields: { filterGroups: 'nobody', compareGroup: names.group, topic: names.topic },
  }),
  CLONE_GROUP_OFFSET: (n) => ({
    fields: {
      srcGroup: names.group,
      destGroup: `group-${n}`,
      topic: names.topic,
      offline: 'true',
    },
    groups: [`group-${n}`],
  }),
  VIEW_BROKER_STATS_DATA: () => ({
    fields: { statsName: 'TOPIC_PUT_NUMS', statsKey: names.topic },
  }),
  UPDATE_BROKER_CONFIG: () => ({
    fields: {},
    body: text('maxTransferCountOnMessageInMemory=32\n'),
  }),
  UPDATE_COLD_DATA_FLOW_CTR_CONFIG: (n) => ({ fields: {}, body: text(`group-${n}=1000\n`) }),
  REMOVE_COLD_DATA_FLOW_CTR_CONFIG: (n) => ({ fields: {}, body: text(`group-${n}`) }),
  SET_COMMITLOG_READ_MODE: () => ({ fields: { READ_AHEAD_MODE: '0' } }),
}

/** As `brokerBases`, for a name server. */
export const namesrvBases = {
  GET_ROUTEINFO_BY_TOPIC: () => ({
    fields: { topic: names.topic, acceptStandardJsonOnly: 'false' },
  }),
  REGISTER_BROKER: (n) => ({
    fields: {
      ...member(n),
      haServerAddr: '127.0.0.1:2',
      heartbeatTimeoutMillis: '60000',
      enableActingMaster: 'false',
      compressed: 'false',
      bodyCrc32: '0',
    },
    body: json(registration(`registered-${n}`)),
  }),
  UNREGISTER_BROKER: (n) => ({ fields: member(n) }),
  QUERY_DATA_VERSION: (n) => ({ fields: member(n), body: json(dataVersion) }),
  BROKER_HEARTBEAT: (n) => ({
    fields: {
      ...member(n),
      epoch: '1',
      maxOffset: '0',
      confirmOffset: '0',
      heartbeatTimeoutMills: '60000',
      electionPriority: '0',
    },
  }),
  GET_BROKER_MEMBER_GROUP: () => ({
    fields: { clusterName: names.cluster, brokerName: names.broker },
  }),
  GET_TOPICS_BY_CLUSTER: () => ({ fields: { cluster: names.cluster } }),
  DELETE_TOPIC_IN_NAMESRV: (n) => ({
    fields: { topic: `nowhere-${n}`, clusterName: names.cluster },
  }),
  REGISTER_TOPIC_IN_NAMESRV: (n) => ({
    fields: { topic: `told-${n}` },
    body: json({
      brokerDatas: [],
      filterServerTable: {},
      queueDatas: [
        {
          brokerName: names.fake,
          perm: 6,
          readQueueNums: 1,
          writeQueueNums: 1,
          topicSysFlag: 0,
        },
      ],
    }),
  }),
  WIPE_WRITE_PERM_OF_BROKER: () => ({ fields: { brokerName: names.fake } }),
  ADD_WRITE_PERM_OF_BROKER: () => ({ fields: { brokerName: names.fake } }),
  PUT_KV_CONFIG: (n) => ({
    fields: { namespace: `namespace-${n}`, key: `key-${n}`, value: 'value' },
  }),
  GET_KV_CONFIG: () => ({ fields: { namespace: names.namespace, key: names.key } }),
  DELETE_KV_CONFIG: (n) => ({ fields: { namespace: `namespace-${n}`, key: names.key } }),
  GET_KVLIST_BY_NAMESPACE: () => ({ fields: { namespace: names.namespace } }),
  UPDATE_NAMESRV_CONFIG: () => ({ fields: {}, body: text('enableTopicList=true\n') }),
}
