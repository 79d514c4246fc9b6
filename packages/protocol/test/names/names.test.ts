import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolError } from '../../src/errors.ts'
import { groupProblem, isPredefinedGroup, isSystemGroup } from '../../src/names/group.ts'
import { namespaceOf, withoutNamespace, wrapNamespace } from '../../src/names/namespace.ts'
import {
  checkTopic,
  dlqTopic,
  isDlqTopic,
  isLmqTopic,
  isRetryTopic,
  isSystemTopic,
  replyTopic,
  retryTopic,
  topicProblem,
} from '../../src/names/topic.ts'

// Reference: `TopicValidator.java`, validateTopic.
test('an invalid topic name is reported in the words of Apache', () => {
  assert.equal(topicProblem(undefined), 'The specified topic is blank.')
  assert.equal(topicProblem(' \t'), 'The specified topic is blank.')
  assert.match(
    topicProblem('a.b') ?? '',
    /illegal characters, allowing only \^\[%\|a-zA-Z0-9_-\]\+\$/,
  )
  assert.match(topicProblem('é') ?? '', /illegal/)
  assert.equal(
    topicProblem('x'.repeat(128)),
    'The specified topic is longer than topic max length.',
  )
  assert.equal(topicProblem('%RETRY%a|b_c-9'.padEnd(127, 'Z')), undefined)
  assert.throws(() => checkTopic('a b'), ProtocolError)
})

test('the names of topics that belong to groups and brokers are told apart', () => {
  assert.equal(retryTopic('G'), '%RETRY%G')
  assert.equal(dlqTopic('G'), '%DLQ%G')
  assert.equal(replyTopic('C'), 'C_REPLY_TOPIC')
  assert.ok(isRetryTopic('%RETRY%G') && isDlqTopic('%DLQ%G') && isLmqTopic('%LMQ%q'))
  assert.ok(isSystemTopic('TBW102') && isSystemTopic('rmq_sys_wheel_timer') && !isSystemTopic('T'))
})

// Reference: `Validators.java`, checkGroup; `MixAll.java`, isSysConsumerGroup, isPredefinedGroup.
test('an invalid group name is reported, and system groups are recognised', () => {
  assert.equal(groupProblem(''), 'the specified group is blank')
  assert.match(groupProblem('x'.repeat(256)) ?? '', /longer than group max length 255/)
  assert.match(groupProblem('a/b') ?? '', /illegal characters/)
  assert.equal(groupProblem('CID_RMQ_SYS_TRANS'), undefined)
  assert.ok(isSystemGroup('CID_RMQ_SYS_X') && !isSystemGroup('TOOLS_CONSUMER'))
  assert.ok(isPredefinedGroup('TOOLS_CONSUMER') && !isPredefinedGroup('CID_RMQ_SYS_X'))
})

// Reference: `NamespaceUtil.java`.
test('a namespace is put on and taken off, behind the prefix of retry topics', () => {
  const cases = [
    ['T', 'N%T'],
    ['%RETRY%G', '%RETRY%N%G'],
    ['%DLQ%G', '%DLQ%N%G'],
  ] as const
  for (const [bare, wrapped] of cases) {
    assert.equal(wrapNamespace('N', bare), wrapped)
    assert.equal(wrapNamespace('N', wrapped), wrapped)
    assert.equal(withoutNamespace(wrapped), bare)
    assert.equal(withoutNamespace(wrapped, 'N'), bare)
    assert.equal(withoutNamespace(wrapped, 'M'), wrapped)
    assert.equal(namespaceOf(wrapped), 'N')
    assert.equal(namespaceOf(bare), '')
  }
})

test('system resources and an empty namespace change nothing', () => {
  assert.equal(wrapNamespace('N', 'TBW102'), 'TBW102')
  assert.equal(wrapNamespace('N', 'CID_RMQ_SYS_TRANS'), 'CID_RMQ_SYS_TRANS')
  assert.equal(wrapNamespace('', 'T'), 'T')
  assert.equal(wrapNamespace(undefined, 'T'), 'T')
  assert.equal(withoutNamespace('N%T', ''), 'N%T')
})
