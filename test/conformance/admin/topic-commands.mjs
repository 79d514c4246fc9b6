/** mqadmin's commands on topics and clusters, which every other part builds upon. */
import { group, topic } from './names.mjs'

const topicFile = JSON.stringify([
  { topicName: `${topic}-3`, readQueueNums: 2, writeQueueNums: 2, perm: 6 },
  { topicName: `${topic}-4`, readQueueNums: 1, writeQueueNums: 1, perm: 6 },
])

export const topicCommands = [
  { name: 'clusterList', args: () => ['clusterList'], as: 'shape' },
  { name: 'clusterList-more', args: () => ['clusterList', '-m'], as: 'shape' },
  { name: 'clusterList-named', args: () => ['clusterList', '-c', 'DefaultCluster'], as: 'shape' },
  {
    name: 'updateTopic-broker',
    args: (c) => ['updateTopic', '-b', c.broker, '-t', topic, '-r', '4', '-w', '4'],
    as: 'exact',
  },
  {
    name: 'updateTopic-cluster',
    args: () => ['updateTopic', '-c', 'DefaultCluster', '-t', `${topic}-2`, '-o', 'true'],
    as: 'exact',
  },
  {
    name: 'updateTopic-bad',
    args: (c) => ['updateTopic', '-b', c.broker, '-t', 'a/b'],
    as: 'exact',
  },
  {
    name: 'updateTopic-attributes',
    args: (c) => [
      ...['updateTopic', '-b', c.broker, '-t', `${topic}-fifo`],
      ...['-r', '1', '-w', '1', '-a', '+message.type=FIFO'],
    ],
    as: 'exact',
  },
  {
    name: 'updateTopic-attribute-unknown',
    args: (c) => ['updateTopic', '-b', c.broker, '-t', `${topic}-fifo`, '-a', '+no.such=1'],
    as: 'exact',
  },
  {
    name: 'updateTopicList',
    args: (c) => ['updateTopicList', '-b', c.broker, '-f', c.file('topics.json', topicFile)],
    as: 'exact',
  },
  {
    name: 'updateTopicList-absent',
    args: (c) => ['updateTopicList', '-b', c.broker, '-f', 'no-such-file'],
    as: 'exact',
  },
  { name: 'topicList', args: () => ['topicList'], as: 'ours' },
  {
    name: 'topicList-cluster',
    args: () => ['topicList', '-c'],
    as: 'ours',
    keepName: (line) => line.includes(topic),
  },
  { name: 'topicRoute', args: () => ['topicRoute', '-t', topic], as: 'exact' },
  { name: 'topicRoute-list', args: () => ['topicRoute', '-l', '-t', topic], as: 'exact' },
  { name: 'topicRoute-unknown', args: () => ['topicRoute', '-t', 'nowhere'], as: 'exact' },
  { name: 'topicClusterList', args: () => ['topicClusterList', '-t', topic], as: 'exact' },
  { name: 'topicStatus-empty', args: () => ['topicStatus', '-t', topic], as: 'exact' },
  {
    name: 'topicStatus-unknown',
    args: () => ['topicStatus', '-t', 'nowhere'],
    as: 'exact',
  },
  {
    name: 'allocateMQ',
    args: () => ['allocateMQ', '-t', topic, '-i', 'left,right'],
    as: 'exact',
  },
]

/** What ends it: permissions, configurations of order, and the deletion of what was made. */
export const lastTopicCommands = [
  {
    name: 'updateTopicPerm',
    args: (c) => ['updateTopicPerm', '-b', c.broker, '-t', topic, '-p', '4'],
    as: 'exact',
  },
  {
    name: 'updateTopicPerm-same',
    args: (c) => ['updateTopicPerm', '-b', c.broker, '-t', topic, '-p', '4'],
    as: 'exact',
  },
  {
    name: 'topicRoute-readonly',
    args: () => ['topicRoute', '-t', topic],
    as: 'exact',
    until: /"perm":4/,
  },
  {
    name: 'sendMessage-readonly',
    args: () => ['sendMessage', '-t', topic, '-p', 'body', '-b', 'broker-a', '-i', '1'],
    as: 'exact',
  },
  {
    name: 'updateOrderConf',
    args: () => ['updateOrderConf', '-t', topic, '-m', 'put', '-v', 'broker-a:4'],
    as: 'exact',
  },
  {
    name: 'updateOrderConf-get',
    args: () => ['updateOrderConf', '-t', topic, '-m', 'get'],
    as: 'exact',
  },
  { name: 'topicRoute-ordered', args: () => ['topicRoute', '-t', topic], as: 'exact' },
  {
    name: 'updateOrderConf-delete',
    args: () => ['updateOrderConf', '-t', topic, '-m', 'delete'],
    as: 'exact',
  },
  {
    name: 'updateOrderConf-gone',
    args: () => ['updateOrderConf', '-t', topic, '-m', 'get'],
    as: 'exact',
  },
  {
    name: 'deleteSubGroup',
    args: (c) => ['deleteSubGroup', '-b', c.broker, '-g', `${group}-2`],
    as: 'exact',
  },
  {
    name: 'deleteSubGroup-offsets',
    args: () => ['deleteSubGroup', '-c', 'DefaultCluster', '-g', `${group}-clone`, '-r', 'true'],
    as: 'exact',
  },
  {
    name: 'consumerProgress-deleted',
    args: () => ['consumerProgress', '-g', `${group}-clone`],
    as: 'exact',
  },
  {
    name: 'deleteTopic',
    args: () => ['deleteTopic', '-c', 'DefaultCluster', '-t', `${topic}-2`],
    as: 'exact',
  },
  { name: 'topicStatus-deleted', args: () => ['topicStatus', '-t', `${topic}-2`], as: 'exact' },
  {
    name: 'cleanUnusedTopic',
    args: (c) => ['cleanUnusedTopic', '-b', c.broker],
    as: 'exact',
  },
  {
    name: 'cleanUnusedTopic-cluster',
    args: () => ['cleanUnusedTopic', '-c', 'DefaultCluster'],
    as: 'exact',
  },
  { name: 'cleanExpiredCQ', args: (c) => ['cleanExpiredCQ', '-b', c.broker], as: 'exact' },
  {
    name: 'deleteExpiredCommitLog',
    args: (c) => ['deleteExpiredCommitLog', '-b', c.broker],
    as: 'exact',
  },
]
