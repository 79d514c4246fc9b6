/** mqadmin's commands on consumer groups, their clients and their offsets. */
import { group, topic } from './names.mjs'

const clone = `${group}-clone`

const groupFile = JSON.stringify([{ groupName: `${group}-3` }, { groupName: `${group}-4` }])

/** The retry topic is in these lists once the consumer has asked for its offset. */
const withoutRetries = (line) => !line.includes('%RETRY%')

const reset = (of, ...more) => ['resetOffsetByTime', '-g', of, '-t', topic, ...more]

/** While no consumer has been there. */
const early = [
  {
    name: 'updateSubGroup',
    args: (c) => ['updateSubGroup', '-b', c.broker, '-g', group],
    as: 'exact',
  },
  {
    name: 'updateSubGroup-bad',
    args: (c) => ['updateSubGroup', '-b', c.broker, '-g', 'a/b'],
    as: 'exact',
  },
  {
    name: 'updateSubGroupList',
    args: (c) => ['updateSubGroupList', '-b', c.broker, '-f', c.file('groups.json', groupFile)],
    as: 'exact',
  },
  { name: 'getConsumerConfig', args: () => ['getConsumerConfig', '-g', group], as: 'exact' },
  {
    name: 'getConsumerConfig-unknown',
    args: () => ['getConsumerConfig', '-g', 'nobody'],
    as: 'exact',
  },
  {
    name: 'consumerProgress-unknown',
    args: () => ['consumerProgress', '-g', 'nobody'],
    as: 'exact',
  },
  {
    name: 'consumerConnection-offline',
    args: () => ['consumerConnection', '-g', group],
    as: 'exact',
  },
  { name: 'consumerStatus-offline', args: () => ['consumerStatus', '-g', group], as: 'exact' },
]

/** While a consumer is there. */
const online = [
  { name: 'consume', args: (c) => ['!consume', c.nameServer, topic, group], as: 'exact' },
  {
    name: 'consumerProgress',
    args: () => ['consumerProgress', '-g', group],
    as: 'exact',
    until: /admin-topic\s+broker-a\s+1\s+1\s+1\s[^]*admin-topic\s+broker-a\s+2\s+1\s+1\s/,
    keepLine: withoutRetries,
  },
  {
    name: 'consumerProgress-topic',
    args: () => ['consumerProgress', '-g', group, '-t', topic],
    as: 'exact',
    keepLine: withoutRetries,
  },
  {
    name: 'consumerProgress-clients',
    args: () => ['consumerProgress', '-g', group, '-s', 'true'],
    as: 'exact',
    keepLine: withoutRetries,
  },
  {
    name: 'consumerProgress-all',
    args: () => ['consumerProgress'],
    as: 'exact',
    keepLine: (line) => line.startsWith(`${group} `) || line.startsWith('#'),
  },
  {
    name: 'consumerConnection',
    args: () => ['consumerConnection', '-g', group],
    as: 'exact',
    keep: (context, text) => (context.clientId = /^\S+@\S+/m.exec(text)?.[0] ?? 'none'),
  },
  {
    name: 'consumerStatus',
    args: () => ['consumerStatus', '-g', group],
    as: 'shape',
    keepLine: withoutRetries,
  },
  {
    name: 'consumerStatus-client',
    args: (c) => ['consumerStatus', '-g', group, '-i', c.clientId],
    as: 'shape',
    keepLine: withoutRetries,
  },
  {
    name: 'consumerStatus-unknown-client',
    args: () => ['consumerStatus', '-g', group, '-i', 'nobody@1'],
    as: 'exact',
  },
  {
    name: 'queryMsgById-consume',
    args: (c) => ['queryMsgById', '-t', topic, '-i', c.offsetId, '-g', group, '-d', c.clientId],
    as: 'shape',
  },
  {
    name: 'queryMsgByUniqueKey-consume',
    args: (c) => [
      ...['queryMsgByUniqueKey', '-t', topic, '-i', c.messageId],
      ...['-g', group, '-d', c.clientId],
    ],
    as: 'shape',
  },
  {
    name: 'queryCq-group',
    args: (c) => [
      'queryCq',
      '-t',
      topic,
      '-q',
      '1',
      '-i',
      '0',
      '-c',
      '1',
      '-b',
      c.broker,
      '-g',
      group,
    ],
    as: 'shape',
  },
  {
    name: 'brokerConsumeStats',
    args: (c) => ['brokerConsumeStats', '-b', c.broker],
    as: 'exact',
    keepLine: (line) => line.startsWith('#') || line.includes(` ${group} `),
  },
  {
    name: 'statsAll',
    args: () => ['statsAll', '-t', topic],
    as: 'sortedShape',
  },
  { name: 'startMonitoring', args: (c) => ['!monitor', c.nameServer, group], as: 'sorted' },
  {
    name: 'produce',
    args: (c) => ['!produce', c.nameServer, topic, 'admin-producer'],
    as: 'exact',
  },
  {
    name: 'producerConnection',
    args: () => ['producerConnection', '-g', 'admin-producer', '-t', topic],
    as: 'exact',
    until: /JAVA/,
  },
  {
    name: 'producerConnection-unknown',
    args: () => ['producerConnection', '-g', 'nobody', '-t', topic],
    as: 'exact',
  },
  {
    name: 'producer',
    args: (c) => ['producer', '-b', c.broker],
    as: 'exact',
    keepLine: (line) => line.includes('(admin-producer)'),
  },
  { name: 'resetOffsetByTime', args: () => reset(group, '-s', '1000'), as: 'exact' },
  { name: 'skipAccumulatedMessage', args: () => skip(group), as: 'exact' },
  {
    name: 'consumerProgress-skipped',
    args: () => ['consumerProgress', '-g', group],
    as: 'exact',
    until: /Consume Diff Total: 0/,
    keepLine: withoutRetries,
  },
]

function skip(of) {
  return ['skipAccumulatedMessage', '-g', of, '-t', topic]
}

const progress = (name, of) => ({
  name,
  args: () => ['consumerProgress', '-g', of],
  as: 'exact',
  keepLine: (line) => withoutRetries(line) && !line.startsWith('Consume TPS'),
})

/** When it has gone. */
const offline = [
  { name: 'stop', args: () => ['!stop', group], as: 'exact' },
  {
    name: 'sendMessage-more',
    args: () => ['sendMessage', '-t', topic, '-p', 'more', '-b', 'broker-a', '-i', '1'],
    as: 'exact',
  },
  {
    name: 'updateSubGroup-clone',
    args: (c) => [
      'updateSubGroup',
      '-b',
      c.broker,
      '-g',
      clone,
      '-s',
      'true',
      '-q',
      '2',
      '-r',
      '3',
    ],
    as: 'exact',
  },
  {
    // Tools find a group by its retry topic, which its first consumer makes.
    name: 'updateTopic-retry',
    args: (c) => ['updateTopic', '-b', c.broker, '-t', `%RETRY%${clone}`, '-r', '1', '-w', '1'],
    as: 'exact',
  },
  {
    name: 'cloneGroupOffset',
    args: () => ['cloneGroupOffset', '-s', group, '-d', clone, '-t', topic],
    as: 'exact',
  },
  {
    ...progress('consumerProgress-cloned', clone),
    until: new RegExp(`${topic}\\s+broker-a\\s+1\\s+2`),
  },
  {
    name: 'cloneGroupOffset-unknown',
    args: () => ['cloneGroupOffset', '-s', 'nobody', '-d', clone, '-t', topic],
    as: 'exact',
  },
  { name: 'skipAccumulatedMessage-offline', args: () => skip(clone), as: 'exact' },
  progress('consumerProgress-skipped-offline', clone),
  { name: 'resetOffsetByTime-offline', args: () => reset(clone, '-s', '1000'), as: 'exact' },
  { name: 'resetOffsetByTime-now', args: () => reset(clone, '-s', 'now'), as: 'shape' },
  {
    name: 'resetOffsetByTime-queue',
    args: (c) => reset(clone, '-s', '0', '-b', c.broker, '-q', '1', '-o', '1'),
    as: 'exact',
  },
  {
    name: 'resetOffsetByTime-queue-outside',
    args: (c) => reset(clone, '-s', '0', '-b', c.broker, '-q', '1', '-o', '99'),
    as: 'exact',
  },
  progress('consumerProgress-reset', clone),
  { name: 'resetOffsetByTime-unknown', args: () => reset('nobody', '-s', '1000'), as: 'exact' },
  { name: 'skipAccumulatedMessage-unknown', args: () => skip('nobody'), as: 'exact' },
]

export const groupCommands = [...early, ...online, ...offline]
