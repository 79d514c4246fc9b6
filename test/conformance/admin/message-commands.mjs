/** mqadmin's commands that send, find, print and count messages. */
import { topic } from './names.mjs'

const messageIdIn = (text) => /\b[0-9A-F]{32,}\b/.exec(text)?.[0] ?? 'none'

/** The same address, and a place in the log at which there is nothing. */
const elsewhere = (offsetId) => `${offsetId.slice(0, -8)}7FFFFFF0`

const longAgo = ['-b', '0', '-e', '1000']

export const messageCommands = [
  {
    name: 'sendMessage',
    args: () => [
      ...['sendMessage', '-t', topic, '-p', 'body', '-k', 'key1', '-c', 'tag'],
      ...['-b', 'broker-a', '-i', '1'],
    ],
    as: 'exact',
    keep: (context, text) => (context.messageId = messageIdIn(text)),
  },
  { name: 'topicStatus', args: () => ['topicStatus', '-t', topic], as: 'exact' },
  {
    name: 'queryMsgByUniqueKey',
    args: (c) => ['queryMsgByUniqueKey', '-t', topic, '-i', c.messageId],
    as: 'exact',
    until: /Topic:/,
  },
  {
    name: 'queryMsgByUniqueKey-all',
    args: (c) => ['queryMsgByUniqueKey', '-t', topic, '-i', c.messageId, '-a'],
    as: 'exact',
  },
  {
    name: 'queryMsgByUniqueKey-unknown',
    args: () => ['queryMsgByUniqueKey', '-t', topic, '-i', '7F0000010000000000000000000000AA'],
    as: 'exact',
  },
  {
    name: 'queryMsgByOffset',
    args: () => ['queryMsgByOffset', '-t', topic, '-b', 'broker-a', '-i', '1', '-o', '0'],
    as: 'exact',
    keep: (context, text) => (context.offsetId = /OffsetID:\s*(\S+)/.exec(text)?.[1] ?? 'none'),
  },
  {
    name: 'queryMsgByOffset-behind',
    args: () => ['queryMsgByOffset', '-t', topic, '-b', 'broker-a', '-i', '1', '-o', '9'],
    as: 'exact',
  },
  {
    name: 'queryMsgById',
    args: (c) => ['queryMsgById', '-t', topic, '-i', c.offsetId],
    as: 'exact',
  },
  {
    name: 'queryMsgById-unknown',
    args: (c) => ['queryMsgById', '-t', topic, '-i', elsewhere(c.offsetId)],
    as: 'exact',
  },
  { name: 'queryMsgByKey', args: () => ['queryMsgByKey', '-t', topic, '-k', 'key1'], as: 'exact' },
  {
    name: 'queryMsgByKey-unknown',
    args: () => ['queryMsgByKey', '-t', topic, '-k', 'nokey'],
    as: 'exact',
  },
  {
    name: 'queryMsgByKey-range',
    args: () => ['queryMsgByKey', '-t', topic, '-k', 'key1', ...longAgo],
    as: 'exact',
  },
  {
    name: 'queryMsgByKey-one',
    args: () => ['queryMsgByKey', '-t', topic, '-k', 'key1', '-m', '1'],
    as: 'exact',
  },
  {
    name: 'queryCq',
    args: (c) => ['queryCq', '-t', topic, '-q', '1', '-i', '0', '-c', '1', '-b', c.broker],
    as: 'shape',
  },
  {
    name: 'queryCq-group-offline',
    args: (c) => ['queryCq', '-t', topic, '-q', '1', '-i', '0', '-b', c.broker, '-g', 'nobody'],
    as: 'shape',
  },
  {
    name: 'queryCq-unknown',
    args: (c) => ['queryCq', '-t', 'nowhere', '-q', '1', '-i', '0', '-b', c.broker],
    as: 'exact',
  },
  {
    name: 'consumeMessage',
    args: () => ['consumeMessage', '-t', topic, '-b', 'broker-a', '-i', '1', '-o', '0', '-c', '1'],
    as: 'exact',
  },
  {
    name: 'consumeMessage-times',
    args: () => ['consumeMessage', '-t', topic, ...['-s', '0', '-e', String(Date.now() - 1)]],
    as: 'exact',
  },
  { name: 'printMsg', args: () => ['printMsg', '-t', topic], as: 'sorted' },
  { name: 'printMsg-tag', args: () => ['printMsg', '-t', topic, '-s', 'tag'], as: 'sorted' },
  { name: 'printMsg-other', args: () => ['printMsg', '-t', topic, '-s', 'other'], as: 'sorted' },
  { name: 'printMsg-times', args: () => ['printMsg', '-t', topic, ...longAgo], as: 'sorted' },
  {
    name: 'printMsgByQueue',
    args: () => [
      ...['printMsgByQueue', '-t', topic, '-a', 'broker-a', '-i', '1'],
      ...['-p', 'true', '-d', 'true'],
    ],
    as: 'exact',
  },
  {
    name: 'printMsgByQueue-count',
    args: () => ['printMsgByQueue', '-t', topic, '-a', 'broker-a', '-i', '1', '-f', 'true'],
    as: 'exact',
  },
  {
    name: 'checkMsgSendRT',
    args: () => ['checkMsgSendRT', '-t', `${topic}-3`, '-a', '4', '-s', '16'],
    as: 'shape',
  },
  {
    name: 'sendMsgStatus',
    args: () => ['sendMsgStatus', '-b', 'broker-a', '-s', '32', '-c', '3'],
    as: 'shape',
  },
  {
    // It goes on until it is interrupted.
    name: 'clusterRT',
    args: (c) => [
      '!limit',
      '4000',
      'clusterRT',
      '-n',
      c.nameServer,
      '-a',
      '3',
      '-s',
      '16',
      '-i',
      '60',
    ],
    as: 'shape',
  },
  {
    name: 'trace',
    args: (c) => ['!trace', c.nameServer, `${topic}-4`],
    as: 'exact',
    keep: (context, text) => (context.tracedId = messageIdIn(text)),
  },
  {
    name: 'queryMsgTraceById',
    args: (c) => ['queryMsgTraceById', '-i', c.tracedId],
    as: 'shape',
    until: /Pub/,
  },
  {
    name: 'sendMessage-traced',
    args: () => [
      'sendMessage',
      '-t',
      topic,
      '-p',
      'traced',
      '-b',
      'broker-a',
      '-i',
      '2',
      '-m',
      'true',
    ],
    as: 'exact',
  },
  {
    name: 'queryMsgTraceById-unknown',
    args: (c) => ['queryMsgTraceById', '-i', c.messageId],
    as: 'shape',
  },
]
