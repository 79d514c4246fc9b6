import { defineRequest } from '../schema/define-request.ts'
import { optional, orElse } from '../schema/fields.ts'
import { clusterNameType, topicName } from '../schema/name-fields.ts'
import { topicFields } from './common-fields.ts'

/** Lists all topics. */
export const GetAllTopicListFromNameserver = defineRequest({
  code: 206,
  name: 'GET_ALL_TOPIC_LIST_FROM_NAMESERVER',
  doc: 'Lists all topics.',
  source: 'DefaultRequestProcessor.java',
  header: {},
  reply: {},
})

/** Lists the topics of a cluster. */
export const GetTopicsByCluster = defineRequest({
  code: 224,
  name: 'GET_TOPICS_BY_CLUSTER',
  doc: 'Lists the topics of a cluster.',
  source: 'GetTopicsByClusterRequestHeader.java, DefaultRequestProcessor.java',
  header: {
    cluster: orElse(clusterNameType, '', 'Name of the cluster.'),
  },
  reply: {},
})

/** Lists topics named as clusters and brokers. */
export const GetSystemTopicListFromNs = defineRequest({
  code: 304,
  name: 'GET_SYSTEM_TOPIC_LIST_FROM_NS',
  doc: 'Lists topics named as clusters and brokers.',
  source: 'DefaultRequestProcessor.java',
  header: {},
  reply: {},
})

/** Forgets a topic. */
export const DeleteTopicInNamesrv = defineRequest({
  code: 216,
  name: 'DELETE_TOPIC_IN_NAMESRV',
  doc: 'Forgets a topic.',
  source: 'DeleteTopicFromNamesrvRequestHeader.java, DefaultRequestProcessor.java',
  header: {
    ...topicFields,
    topic: orElse(topicName, '', 'Topic, with the namespace already wrapped in.'),
    clusterName: optional(clusterNameType, 'One cluster, all when absent.'),
  },
  reply: {},
})

/** Adds the queues in the body to a topic. */
export const RegisterTopicInNamesrv = defineRequest({
  code: 217,
  name: 'REGISTER_TOPIC_IN_NAMESRV',
  doc: 'Adds the queues in the body to a topic.',
  source: 'RegisterTopicRequestHeader.java, DefaultRequestProcessor.java',
  header: {
    ...topicFields,
    topic: orElse(topicName, '', 'Topic, with the namespace already wrapped in.'),
  },
  reply: {},
})

/** Lists the topics of a unit. */
export const GetUnitTopicList = defineRequest({
  code: 311,
  name: 'GET_UNIT_TOPIC_LIST',
  doc: 'Lists the topics of a unit.',
  source: 'DefaultRequestProcessor.java',
  header: {},
  reply: {},
})

/** Lists the topics that a unit subscribes to. */
export const GetHasUnitSubTopicList = defineRequest({
  code: 312,
  name: 'GET_HAS_UNIT_SUB_TOPIC_LIST',
  doc: 'Lists the topics that a unit subscribes to.',
  source: 'DefaultRequestProcessor.java',
  header: {},
  reply: {},
})

/** Lists the topics that a unit subscribes to and that are of no unit. */
export const GetHasUnitSubUnunitTopicList = defineRequest({
  code: 313,
  name: 'GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST',
  doc: 'Lists the topics that a unit subscribes to and that are of no unit.',
  source: 'DefaultRequestProcessor.java',
  header: {},
  reply: {},
})
