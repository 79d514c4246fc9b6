import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { allBrokerOptions } from '@skylarkmq/broker'
import { namesrvOptions } from '@skylarkmq/namesrv'
import { BadSetting } from '../src/errors.ts'
import { nearest } from '../src/nearest.ts'
import { readProperties } from '../src/properties-file.ts'
import { examineSettings, parseAssignment, readSettings, type Settings } from '../src/settings.ts'

const read = (text: string): Settings =>
  readSettings(readProperties(text), allBrokerOptions, 'broker.conf')

test('a broker.conf as tutorials print it is read: comments cut off, old spellings told, the rest set', () => {
  const golden = new URL('../../test/golden/tutorial-broker.conf', import.meta.url)
  const { values, warnings } = read(readFileSync(golden, 'utf8'))
  assert.deepEqual(
    [values['brokerIP1'], values['deleteWhen'], values['fileReservedTime']],
    ['127.0.0.1', '04', 120],
  )
  assert.equal(values['flushDiskType'], 'ASYNC_FLUSH')
  assert.equal(values['maxMessageSize'], 65536)
  assert.equal(values['mappedFileSizeConsumeQueue'], undefined)
  const all = warnings.join('\n')
  assert.match(all, /line 8: brokerIP1: the comment behind the value/)
  assert.match(all, /mapedFileSizeCommitLog has no effect.* mappedFileSizeCommitLog today/)
  assert.match(all, /mapedFileSizeConsumeQueue has no effect/)
})

test('a comment behind a value is cut off where the type proves that it is one', () => {
  const signs = [' # slave', ' // slave', ' ; slave', '# slave', ';', '；', ' （slave）']
  for (const comment of signs) {
    const { values, warnings } = read(`brokerId=1${comment}`)
    assert.equal(values['brokerId'], 1, comment)
    assert.equal(warnings.length, 1)
  }
  assert.throws(() => read('brokerId=one # slave'), BadSetting)
})

// As they stand in public files, which Apache starts with.
test('an unknown key is a warning that names the line and the nearest key, and an error only where that is asked for', () => {
  const text = 'brokerName=a\n\nflushDiskTyp=SYNC_FLUSH\nenableProxy=true\nfastListenPort=10909\n'
  const { values, warnings } = read(text)
  assert.deepEqual(values, { brokerName: 'a' })
  assert.match(
    warnings[0] ?? '',
    /^broker\.conf, line 3: flushDiskTyp has no effect: .*did you mean flushDiskType/,
  )
  assert.match(warnings[1] ?? '', /^broker\.conf, line 4: enableProxy has no effect/)
  assert.match(warnings[2] ?? '', /^broker\.conf, line 5: fastListenPort has no effect/)
  assert.equal(warnings.length, 3)
  assert.throws(
    () => readSettings(readProperties(text), allBrokerOptions, 'broker.conf', { isStrict: true }),
    (error) =>
      error instanceof BadSetting &&
      /broker\.conf, line 3: flushDiskTyp: .*did you mean flushDiskType/.test(error.message),
  )
  assert.match(read('zzzzzzzzzzzz=1').warnings[0] ?? '', /no such key in Apache RocketMQ or here/)
  for (const name of ['constructor', '__proto__', 'toString']) {
    assert.equal(read(`${name}=1`).warnings.length, 1, name)
  }
})

// The setters of BrokerConfig, BrokerIdentity, NettyServerConfig, NettyClientConfig, MessageStoreConfig and AuthConfig, and of
// NamesrvConfig and ControllerConfig, by which Apache finds the keys.
test('every key that Apache 5.3.3 reads is known', () => {
  const golden = new URL('../../test/golden/apache-5.3.3-keys.json', import.meta.url)
  const keys = JSON.parse(readFileSync(golden, 'utf8')) as Record<'broker' | 'namesrv', string[]>
  assert.ok(keys.broker.length > 400 && keys.namesrv.length > 80)
  assert.deepEqual(
    keys.broker.filter((key) => !(key in allBrokerOptions)),
    [],
  )
  assert.deepEqual(
    keys.namesrv.filter((key) => !(key in namesrvOptions)),
    [],
  )
})

// Apache starts with each, and takes its default, or false for a flag. The first two stand in public files.
test('a value of another form that can only mean one thing is taken for that, with a warning', () => {
  for (const [line, value] of [
    ['diskMaxUsedSpaceRatio=95.0', 95],
    ['diskMaxUsedSpaceRatio=75%', 75],
    ['fileReservedTime="48"', 48],
    ['fileReservedTime=４８', 48],
    ["autoCreateTopicEnable='false'", false],
    ['flushDiskType="SYNC_FLUSH"', 'SYNC_FLUSH'],
  ] as const) {
    const key = line.slice(0, line.indexOf('='))
    const { values, warnings } = read(line)
    assert.equal(values[key], value, line)
    assert.equal(warnings.length, 1)
    assert.ok(warnings[0]?.endsWith(`; write ${key}=${value}`), warnings[0])
  }
  for (const line of ['fileReservedTime=48.5', 'fileReservedTime=48%', 'fileReservedTime="48']) {
    assert.throws(() => read(line), /it must be a whole number/, line)
  }
  assert.throws(() => read('aclEnable="true"'), /access control, which is not built/)
})

test('without a value a flag is false and anything else its default, as by Apache, with a warning', () => {
  for (const [key, value] of [
    ['autoCreateTopicEnable', false],
    ['fileReservedTime', 72],
    ['flushDiskType', 'ASYNC_FLUSH'],
  ] as const) {
    const { values, warnings } = read(`${key}=`)
    assert.equal(values[key], value)
    assert.match(warnings.join(), new RegExp(`line 1: ${key}: there is no value`))
  }
})

test('of several lines with one key the last counts, and what the others say is not looked at', () => {
  const text = 'brokerId=x\nbrokerName=a\nlistenPort=1\nbrokerId=0\nlistenPort=1\n'
  const { values, warnings } = read(text)
  assert.deepEqual(values, { brokerName: 'a', brokerId: 0, listenPort: 1 })
  assert.deepEqual(warnings, [
    'broker.conf, line 1: brokerId: line 4 sets it to something else, and counts',
  ])
})

test('all notes on a file are reported at once, with lines and reasons', () => {
  const text = 'enableProxy=true\nbrokerId=one\ntransientStorePoolEnable=true\nlistenPort=1 # a\n'
  const { notes } = examineSettings(readProperties(text), allBrokerOptions, 'b.conf')
  assert.deepEqual(
    notes.map(({ kind, key, line }) => [kind, key, line]),
    [
      ['unknown', 'enableProxy', 1],
      ['bad', 'brokerId', 2],
      ['ignored', 'transientStorePoolEnable', 3],
      ['comment', 'listenPort', 4],
    ],
  )
  assert.match(notes[2]?.says ?? '', /no memory pool/)
})

test('a process that serves nobody may read a configuration that asks for access control', () => {
  const lines = readProperties('aclEnable=true\nbrokerName=a\n')
  const { values } = readSettings(lines, allBrokerOptions, 'b.conf', { servesNobody: true })
  assert.deepEqual(values, { brokerName: 'a' })
  const bad = readProperties('aclEnable=perhaps\nbrokerId=x\n')
  assert.throws(() => readSettings(bad, allBrokerOptions, 'b.conf', { servesNobody: true }))
})

test('a value of the wrong form is an error that says what it must be', () => {
  assert.throws(() => read('listenPort=many'), /listenPort: it must be a whole number, not "many"/)
  assert.throws(() => read('flushDiskType=SOMETIMES'), /it must be one of ASYNC_FLUSH, SYNC_FLUSH/)
  assert.throws(() => read('autoCreateTopicEnable=perhaps'), /it must be true or false/)
})

test('keys of Apache without effect here are accepted, with one warning for all', () => {
  const { warnings } = read('sendMessageThreadPoolNums=128\npullMessageThreadPoolNums=128\n')
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /sendMessageThreadPoolNums, pullMessageThreadPoolNums/)
})

// Reference: `java.util.Properties`, load.
test('a properties file is read as Java reads it', () => {
  const text = [
    '\uFEFFa=1',
    'b : 2',
    'c 3',
    '! a comment',
    '  # another',
    'd = one \\',
    '    two',
    'e=\\u4e2d\\tx',
    'f\\=g=h',
    'path=C:\\\\data',
    '',
    'last=x\r\nempty=',
  ].join('\n')
  const found = Object.fromEntries(readProperties(text).map(({ key, value }) => [key, value]))
  assert.deepEqual(found, {
    a: '1',
    b: '2',
    c: '3',
    d: 'one two',
    e: '中\tx',
    'f=g': 'h',
    path: 'C:\\data',
    last: 'x',
    empty: '',
  })
})

test('lines are counted from 1, a continued one from where it begins', () => {
  const lines = readProperties('a=1 \\\n 2\n\nb=3\n').map(({ key, line }) => [key, line])
  assert.deepEqual(lines, [
    ['a', 1],
    ['b', 4],
  ])
})

test('--set takes key=value and nothing else', () => {
  assert.deepEqual(parseAssignment('a = b=c'), { key: 'a', value: 'b=c', line: 0 })
  for (const wrong of ['a', '=b', '']) assert.throws(() => parseAssignment(wrong), BadSetting)
})

test('a configuration that asks for missing protection starts no broker, and the error says what to do', () => {
  for (const key of ['aclEnable', 'authenticationEnabled', 'authorizationEnabled', 'useTLS']) {
    assert.throws(
      () => read(`${key}=true`),
      new RegExp(`line 1: ${key}: it asks for .* not built; take the key out .*must be false`),
    )
    assert.deepEqual(read(`${key}=false`).warnings, [])
  }
})

test('the other keys of access control are known, and the passwords in them are not kept', () => {
  const { values, warnings } = read(
    'userCacheMaxNum=1000\nmigrateAuthFromV1Enabled=false\n' +
      'initAuthenticationUser={"username":"a","password":"secret"}\n' +
      'innerClientAuthenticationCredentials={"accessKey":"a","secretKey":"secret"}\n',
  )
  assert.match(warnings.join(), /without effect here: userCacheMaxNum, migrateAuthFromV1Enabled/)
  assert.doesNotMatch(JSON.stringify([values, warnings]), /secret/)
})

test('an invalid address is refused with its key and value, and every kind of address is accepted', () => {
  const bad = ['"192.0.2.10"', '192.0.2.10;', '192.0.2.10:10911', '${ip4}', '192.0.2.300']
  const worse = ['change me to your real IP address', 'http://192.0.2.10', 'a..b', '-a', 'a/b']
  for (const value of [...bad, ...worse]) {
    for (const key of ['brokerIP1', 'brokerIP2']) {
      assert.throws(
        () => read(`${key}=${value}`),
        (error) => error instanceof BadSetting && error.message.includes(`${key}: it must be`),
        `${key}=${value}`,
      )
    }
    const port = value.endsWith(';') ? `x${value}:1` : `${value}:1`
    for (const key of ['namesrvAddr', 'haMasterAddress']) {
      assert.throws(() => read(`${key}=${port}`), BadSetting, `${key}=${port}`)
    }
  }
  const hosts = ['192.0.2.10', 'broker-1.example.org', 'my_broker', 'localhost', 'fe80::1%eth0']
  for (const host of [...hosts, '::1', '[2001:db8::1]', '服务器', 'host.']) {
    assert.equal(read(`brokerIP1=${host}`).values['brokerIP1'], host)
  }
  const list = 'name-1:9876;192.0.2.1:9876;[::1]:9876'
  assert.equal(read(`namesrvAddr=${list}`).values['namesrvAddr'], list)
  assert.equal(read('brokerIP1=').values['brokerIP1'], '')
  // A semicolon with a blank before it is between two addresses, and no comment.
  const spaced = read('namesrvAddr=name-1:9876 ; name-2:9876 # both')
  assert.equal(spaced.values['namesrvAddr'], 'name-1:9876 ; name-2:9876')
  assert.throws(
    () => read('namesrvAddr=name-1'),
    /it must be host:port; several are joined by semicolons, not "name-1"/,
  )
})

test('a suggested word is close, or none is suggested', () => {
  assert.equal(nearest('brokerNmae', ['brokerName', 'brokerId']), 'brokerName')
  assert.equal(nearest('BROKERNAME', ['brokerName']), 'brokerName')
  assert.equal(nearest('completelyelse', ['brokerName', 'brokerId']), undefined)
  assert.equal(nearest('tlsEnable', ['aclEnable']), undefined)
})
