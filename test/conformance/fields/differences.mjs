/**
 * Where Skylark answers a field otherwise than Apache and means it, by kind; docs/reference/differences.md says so to
 * users. Whatever is not here counts as a failure.
 */

/** Fields and parts of bodies that are names, by their last word; `a`, `b` and `c` are those of SEND_MESSAGE_V2. */
const NAMES =
  /(^|[ .])(a|b|c|topic|defaultTopic|originTopic|topicList|group|consumerGroup|producerGroup|groupName|srcGroup|destGroup|compareGroup|filterGroups|clientId|clientID|clientAddr|proxyFrowardClientId|brokerName|brokerAddr|clusterName|cluster|haServerAddr|namespace|key|filterServerList|__ZONE_NAME)$/
const BAD_NAMES = ['64 KiB', 'control', 'path up']
const GROUPS = /(^|[ .])(consumerGroup|group|groupName)$/

const isBody = ({ row }) => row.startsWith('(body)')
const is = (request, row, columns) => (one) =>
  one.request === request && one.row === row && (columns?.includes(one.column) ?? true)

const expected = [
  {
    is: ({ row, column }, _, ours) =>
      BAD_NAMES.includes(column) && NAMES.test(row) && ['29', '1', '26'].includes(ours),
    why: 'a name with a path separator or a control character, or without end, is refused',
  },
  {
    is: ({ column }, _, ours) => column === 'two to 53' && ours === '1',
    why: 'a number from 2^53 on is refused where it is an offset or an id',
  },
  {
    is: (one, theirs, ours) =>
      isBody(one) && ['list', 'object'].includes(one.column) && ours === '1' && theirs !== 'c',
    why: 'a list or an object where a text, a number or another kind belongs is refused',
  },
  {
    is: (one, theirs, ours) =>
      one.row === '(body)' &&
      ['empty list', 'garbage'].includes(one.column) &&
      theirs === '0' &&
      ours === '1',
    why: 'a body that is not the JSON that it should be is refused',
  },
  {
    is: (one, theirs, ours) =>
      one.row === '(body) filterServerList' && theirs === '0' && ours === '1',
    why: 'a body that is not the JSON that it should be is refused',
  },
  {
    is: ({ row, column }, _, ours) =>
      GROUPS.test(row) && column === 'empty' && ['26', '1'].includes(ours),
    why: 'a group without a name is refused',
  },
  {
    is: (one) =>
      is('HEART_BEAT', '(body)', ['empty object'])(one) ||
      is('LOCK_BATCH_MQ', '(body)', ['empty object'])(one),
    why: 'who asks has to say who it is',
  },
  {
    is: (one) =>
      one.request === 'REGISTER_BROKER' &&
      /^(brokerName|brokerAddr|clusterName)$/.test(one.row) &&
      ['left out', 'other case'].includes(one.column),
    why: 'who asks has to say who it is',
  },
  {
    is: is('CLONE_GROUP_OFFSET', '(all)', ['no fields', 'empty fields']),
    why: 'nothing to copy is no failure',
  },
  {
    is: ({ row, column }, theirs, ours) =>
      /^(properties|i)$/.test(row) && column === '64 KiB' && theirs === '0' && ours === '13',
    why: 'properties are kept as they came, and refused when they are too long for a record',
  },
  {
    is: (one, theirs, ours) =>
      is('SEND_BATCH_MESSAGE', '(body)')(one) && theirs === '1' && ours === '13',
    why: 'a batch that cannot be taken apart is an illegal message, which clients do not send again',
  },
  {
    is: (one, _, ours) =>
      /^(PULL|LITE_PULL)_MESSAGE$/.test(one.request) &&
      one.row === 'subscription' &&
      one.column === '64 KiB' &&
      ours === '23',
    why: 'an expression that is too long to be one is refused',
  },
  {
    is: is('QUERY_MESSAGE', 'maxNum', ['negative']),
    why: 'a search for fewer than no messages finds nothing',
  },
  {
    is: ({ request, row, column }) =>
      /^UPDATE_AND_CREATE_TOPIC(_LIST)?$/.test(request) &&
      /(^|[ .])(readQueueNums|writeQueueNums|perm)$/.test(row) &&
      column === 'negative',
    why: 'a topic with a negative number of queues, or permissions that there are not, is refused',
  },
  {
    is: ({ request, row }) =>
      request === 'QUERY_CONSUME_QUEUE' && /^(topic|queueId|index)$/.test(row),
    why: 'entries of a queue that is not there are refused, and those before the first are none',
  },
]

/** Why this difference is meant, or undefined when it is not. */
export function differenceOf(one, theirs, ours) {
  return expected.find((row) => row.is(one, theirs, ours))?.why
}
