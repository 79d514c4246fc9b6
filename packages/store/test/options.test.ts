import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import type { OptionTable } from '@skylarkmq/protocol'
import { delaysOfLevels, storeOptions } from '../src/index.ts'

// Reference: `MessageStoreConfig.java` of 5.3.3, its fields and defaults.
const apache = JSON.parse(
  fs.readFileSync(new URL('../../test/golden/message-store-config.json', import.meta.url), 'utf8'),
) as Record<string, string>
const options: OptionTable = storeOptions

test("Every key of Apache's store configuration is in the table, with Apache's default or a reason", () => {
  for (const [key, apacheDefault] of Object.entries(apache)) {
    const option = options[key]
    assert.ok(key in options, `${key} is missing`)
    if (option === undefined) continue
    if (option.differs === undefined) {
      assert.equal(option.print(option.default), apacheDefault, `default of ${key}`)
    }
  }
})

test('Every default is a value that its option accepts', () => {
  for (const [key, option] of Object.entries(options)) {
    const value: unknown = option.default
    assert.deepEqual(option.parse(option.print(value)), { value }, key)
  }
})

test('An ignored key says why, an implemented one says what it does', () => {
  for (const [key, { doc }] of Object.entries(options)) assert.ok(doc.length > 10, key)
})

test('Delay levels that Apache would not start with are refused, wherever they come from', () => {
  const { messageDelayLevel } = storeOptions
  assert.deepEqual(delaysOfLevels('1s 2m  3h 1d'), [1000, 120_000, 10_800_000, 86_400_000])
  for (const bad of ['', '1', 's', '1x', '1s,2s', '1s -2s', '1.5s']) {
    assert.ok('problem' in messageDelayLevel.parse(bad), `«${bad}»`)
    assert.equal(delaysOfLevels(bad).length, 18)
  }
})
