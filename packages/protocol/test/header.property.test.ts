import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RequestCode } from '../src/codes/request-code.ts'
import { decodeCommand } from '../src/frame/decode-command.ts'
import { encodeCommand } from '../src/frame/frame-encoder.ts'
import { Serialization } from '../src/frame/remoting-command.ts'
import {
  decodeHeader,
  decodeReply,
  encodeHeader,
  encodeReply,
} from '../src/schema/define-request.ts'
import type { Fields } from '../src/schema/fields.ts'
import { allDefinitions, frameOf } from './support/golden.ts'
import { anyText, seeded } from './support/seeded.ts'

const letters = ['a', 'Z', '0', '%', '_', '-', '|', '.', ':', 'é', '消', '😀']
const resource = fc.string({ unit: fc.constantFrom(...letters), minLength: 3, maxLength: 24 })
const label = fc.string({
  unit: fc.constantFrom(...letters, ' ', '/', '@', '#', "'"),
  maxLength: 24,
})

const valueOf: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: anyText(),
  int32: fc.integer(),
  int64: fc.maxSafeInteger(),
  timestampMs: fc.maxSafeNat(),
  boolean: fc.boolean(),
  propertyBytes: anyText().map((text) => Buffer.from(text, 'utf8')),
  ...Object.fromEntries(
    ['topic', 'group', 'topics', 'groups', 'address'].map((name) => [name, resource]),
  ),
  ...Object.fromEntries(
    ['producerGroup', 'clientId', 'brokerName', 'clusterName', 'key', 'zoneName'].map((name) => [
      name,
      label,
    ]),
  ),
}

function headerOf(fields: Fields): fc.Arbitrary<Record<string, unknown>> {
  const model: Record<string, fc.Arbitrary<unknown>> = {}
  const requiredKeys: string[] = []
  for (const [name, field] of Object.entries(fields)) {
    const arbitrary = valueOf[field.type.name]
    assert.ok(arbitrary, `no generator for ${field.type.name}`)
    model[name] = arbitrary
    if (field.required) requiredKeys.push(name)
  }
  return fc.record(model, { requiredKeys, noNullPrototype: true })
}

for (const serialization of [Serialization.JSON, Serialization.ROCKETMQ]) {
  test(`headers of every request come back in serialization ${serialization}`, () => {
    for (const definition of allDefinitions()) {
      const property = fc.property(
        headerOf(definition.header),
        headerOf(definition.reply),
        fc.integer(),
        (header, reply, opaque) => {
          const { code } = definition
          const request = encodeCommand({
            code,
            opaque,
            fields: encodeHeader(definition, header),
            serialization,
          })
          const command = decodeCommand(frameOf(request))
          assert.equal(command.opaque, opaque)
          assert.equal(command.code, code)
          assert.deepEqual(decodeHeader(definition, command.fields ?? {}), header)
          const fields = encodeReply(definition, reply)
          const answer = decodeCommand(
            frameOf(encodeCommand({ code: 0, opaque, flag: 1, fields, serialization })),
          )
          assert.deepEqual(decodeReply(definition, answer.fields ?? {}), reply)
        },
      )
      fc.assert(property, seeded(8))
    }
  })
}

test('each definition has the code and name of Apache, and is listed under its name', () => {
  const seen = new Set<number>()
  for (const { code, name, doc, source } of allDefinitions()) {
    assert.equal((RequestCode as Readonly<Record<string, number>>)[name], code)
    assert.ok(!seen.has(code), name)
    seen.add(code)
    assert.match(doc, /^[A-Z].*[.]$/)
    assert.match(source, /\.java/)
  }
  assert.ok(seen.size > 110)
})

test('a missing field and a text of the wrong form are named', () => {
  const pull = allDefinitions().find(({ name }) => name === 'PULL_MESSAGE')
  assert.ok(pull)
  assert.throws(() => decodeHeader(pull, {}), /PULL_MESSAGE lacks the field consumerGroup/)
  const fields = { consumerGroup: 'g', topic: 't', queueId: '1.0' }
  assert.throws(() => decodeHeader(pull, fields), /field queueId is not a whole number: "1.0"/)
})
