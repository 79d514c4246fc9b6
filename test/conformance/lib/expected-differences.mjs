/**
 * Where Skylark answers otherwise than Apache and means it: a clearer remark under the same code, or
 * a mistake of Apache's that nobody can rely on. Each is in docs/reference/differences.md; whatever
 * is not in this table counts as a failure.
 */

/** `name` and `path` may have stars; `ours` must match what Skylark answered there. */
const FAQ = 'For more information, please visit the url, .*06FAQ'
/** The lines of a command that we refuse with a code and words. */
const refused = (first, words) =>
  new RegExp(`^(${first}|(Caused by: )?org\\.apache\\..*CODE: ${words}|${FAQ})$`)

const expected = [
  {
    name: 'java*/batch-as-one',
    path: 'empty queue.pull.min',
    ours: /^0$/,
    why: 'a queue without messages begins at 0; Apache says -1 of one for batches',
  },
  {
    name: 'java*/send-batch',
    path: 'read[*].idOfBatch',
    ours: /^true$/,
    why: 'a message of a batch keeps its own id; Apache stores the id of the whole batch with it too',
  },
  {
    name: '*/transaction-end',
    path: 'delivered.twice',
    ours: /^1$/,
    why: 'a message that is committed twice is delivered once; Apache delivers it twice',
  },
  {
    name: 'java*/*query-queue*',
    path: 'online',
    ours: /eval=\[true/,
    why: "each entry says whether the group's subscription lets it pass; Apache says so only of extended queues",
  },
  {
    name: 'java*/consumer-status',
    path: 'offline',
    ours: /No Any Consumer online/,
    why: 'Apache answers with a NullPointerException when no client of the group is there',
  },
  {
    name: 'java*/consumer-status',
    path: '*',
    ours: /^no failure: \{queue0=0, queue1=3\}$/,
    why: 'a new group begins at 0 of a queue that never had a message; Apache says that it has no offset there',
  },
  {
    name: 'mqadmin/startMonitoring',
    path: 'lines*',
    ours: /^(UndoneMsgs \[.* undoneMsgsTotal=0, .*\]|begin|clients 1 same subscription true|end)$/,
    why: 'the group has an offset of its retry topic, which never had a message, too: nothing is undone there',
  },
  {
    name: 'java*/pull-statuses',
    path: 'neverStored',
    ours: /^no failure: 0$/,
    why: 'a new group begins at 0 of a queue that never had a message; Apache says that it has no offset there',
  },
  {
    name: 'java*/correct-offset',
    path: 'offset of three afterwards',
    ours: /no failure: 3/,
    why: 'Apache deletes the offsets of the groups that the question leaves out',
  },
  {
    name: 'mqadmin/queryCq-group',
    path: 'lines*',
    ours: /eval=true/,
    why: "each entry says whether the group's subscription lets it pass; Apache says so only of extended queues",
  },
  {
    name: 'mqadmin/update*Config-path',
    path: 'lines*',
    ours: /black list: /,
    why: 'the refusal names the key',
  },
  {
    name: 'mqadmin/updateSubGroup-bad',
    path: 'lines*',
    ours: refused(
      'org.*UpdateSubGroupSubCommand command failed',
      '1 DESC: the specified group\\[a/b\\] contains illegal characters.*',
    ),
    why: 'a group name that no client could use is refused; Apache keeps it',
  },
  {
    name: 'mqadmin/brokerStatus*',
    path: '*getTransferedTps',
    ours: /^true$/,
    why: "the exporter's spelling of getTransferredTps stands beside it",
  },
  {
    name: 'mqadmin/exportPopRecord',
    path: 'lines*',
    ours: refused('Export broker records error, .*', '3 DESC: request type 200056 not supported'),
    why: 'POP is not built yet',
  },
  {
    name: 'mqadmin/listUser',
    path: 'lines[1]',
    ours: /CODE: 3 DESC: request type 3005 not supported$/,
    why: 'access control is not built yet',
  },
  {
    name: 'mqadmin/listAcl',
    path: 'lines[1]',
    ours: /CODE: 3 DESC: request type 3010 not supported$/,
    why: 'access control is not built yet',
  },
  {
    name: 'mqadmin/getBrokerEpoch',
    path: 'lines[1]',
    ours: /CODE: 3 DESC: request type 1007 not supported$/,
    why: 'the controller mode is not built: code 3 where Apache says code 1',
  },
  {
    name: 'mqadmin/cleanExpiredCQ',
    path: 'lines*',
    ours: /^(success|undefined)$/,
    why: 'Apache answers with a NullPointerException now and then, while a queue has no file yet',
  },
  {
    name: 'mqadmin/checkRocksdbCqWriteProgress',
    path: 'lines*',
    ours: refused(
      'java.*CheckRocksdbCqWriteProgressCommand command failed',
      '3 DESC: request type 354 not supported',
    ),
    why: 'there is no RocksDB here',
  },
  {
    name: 'mqadmin/statsAll*',
    path: 'lines*',
    ours: /^undefined$/,
    why: 'Apache takes the topic for one of its own consumer groups, and has a line more',
  },
]

/** Behaviours of features that Skylark does not have yet, and refuses in so many words. */
const notBuilt = [{ name: 'java*/pop', refusal: /request type 200050 not supported/, why: 'POP' }]

/** The feature that is missing when ours refused this behaviour as it should; undefined for any other failure. */
export function missingFeature(name, line) {
  if (line.ok) return undefined
  return notBuilt.find((one) => matches(one.name, name) && one.refusal.test(line.error ?? ''))?.why
}

/** A text at least this long that goes on where Apache's ends is the same remark with advice. */
const shortestRemark = 20

function matches(pattern, text) {
  const escaped = pattern.replace(/[.[\]]/g, '\\$&').replaceAll('*', '.*')
  return new RegExp(`^${escaped}$`).test(text)
}

function isLongerRemark({ left, right }) {
  if (typeof left !== 'string' || typeof right !== 'string') return false
  return left.length >= shortestRemark && right.startsWith(left)
}

/** Why this difference of this behaviour is meant, or undefined when it is not. */
export function reasonFor(name, difference) {
  if (isLongerRemark(difference)) return 'the same remark, with advice'
  const row = expected.find(
    (one) =>
      matches(one.name, name) &&
      matches(one.path, difference.path) &&
      one.ours.test(String(difference.right)),
  )
  return row?.why
}
