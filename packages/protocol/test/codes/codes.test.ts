import assert from 'node:assert/strict'
import { test } from 'node:test'
import { languageName, languageOrdinal } from '../../src/codes/language-code.ts'
import { isPermValid, permText } from '../../src/codes/perm.ts'
import { requestName } from '../../src/codes/request-code.ts'
import { responseName } from '../../src/codes/response-code.ts'
import { topicSysFlag, transactionState, withTransactionState } from '../../src/codes/sys-flag.ts'
import { Version, versionName } from '../../src/codes/version.ts'

// Reference: `MQVersion.java`.
test('ordinals of versions have the names of Apache', () => {
  for (const [name, ordinal] of Object.entries(Version)) assert.equal(versionName(ordinal), name)
  assert.equal(versionName(0), 'V3_0_0_SNAPSHOT')
  assert.equal(versionName(8), 'V3_0_0_BETA6')
  assert.equal(versionName(317), 'V4_5_2')
  assert.equal(versionName(478), 'V5_3_3_SNAPSHOT')
  assert.equal(versionName(611), 'V5_9_9')
  assert.equal(versionName(99999), 'HIGHER_VERSION')
})

test('codes have names, and unknown ones their number', () => {
  assert.equal(responseName(17), 'TOPIC_NOT_EXIST')
  assert.equal(responseName(-1006), 'RPC_TIME_OUT')
  assert.equal(responseName(7777), '7777')
  assert.equal(requestName(200050), 'POP_MESSAGE')
  assert.equal(requestName(5), '5')
})

test('languages are known by name and ordinal', () => {
  assert.equal(languageName(13), 'NODE_JS')
  assert.equal(languageOrdinal('GO'), 9)
  assert.equal(languageName(14), undefined)
  assert.equal(languageOrdinal('go'), undefined)
})

test('permissions and flags read as in Apache', () => {
  assert.equal(permText(6), 'RW-')
  assert.equal(permText(7), 'RWX')
  assert.equal(permText(0), '---')
  assert.ok(isPermValid(7) && !isPermValid(8) && !isPermValid(-1))
  assert.equal(transactionState(0x30d), 12)
  assert.equal(withTransactionState(0x30c, 8), 0x308)
  assert.equal(topicSysFlag(true, true), 3)
})
