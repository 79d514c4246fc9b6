import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddressList, ipRangesProblem } from '../src/address-list.ts'

test('a list has its addresses and what lies in its ranges, of either family, and nothing else', () => {
  const list = new AddressList('10.1.2.3, 192.168.4.0/22;2001:db8::/33 ::1')
  for (const address of [
    '10.1.2.3',
    '::ffff:10.1.2.3',
    '192.168.7.255',
    '2001:db8:7fff::1',
    '::1',
  ]) {
    assert.ok(list.has(address), address)
  }
  for (const address of ['10.1.2.4', '192.168.8.0', '2001:db8:8000::', '::2', '', 'localhost']) {
    assert.ok(!list.has(address), address)
  }
  assert.ok(!new AddressList('').has('127.0.0.1'))
  assert.ok(new AddressList('0.0.0.0/0').has('203.0.113.9'))
  assert.ok(!new AddressList('0.0.0.0/0').has('::1'))
})

test('an entry that is neither an address nor a range is named', () => {
  assert.equal(ipRangesProblem('127.0.0.1, ::1, 10.0.0.0/8'), undefined)
  for (const bad of [
    'localhost',
    '10.0.0.0/33',
    '1.2.3',
    '::/129',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    'fe80::1%eth0',
  ]) {
    assert.match(ipRangesProblem(`127.0.0.1,${bad}`) ?? '', /is neither an IP address/, bad)
  }
})
