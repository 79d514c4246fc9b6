import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageError, SerdeError } from '../src/errors.ts'
import type { ReceivedMessage } from '../src/message.ts'
import { decodeBody, encodeBody } from '../src/serde/bodies.ts'
import { json } from '../src/serde/json.ts'
import { text } from '../src/serde/serde.ts'
import type { StandardSchema } from '../src/serde/standard-schema.ts'

interface Order {
  readonly id: number
}

/** Takes `{ id: '7' }`, too, and makes a number of it; answers later, as some libraries do. */
const schema: StandardSchema<unknown, Order> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const id = Number((value as { id?: unknown }).id)
      return Promise.resolve(
        Number.isInteger(id)
          ? { value: { id } }
          : { issues: [{ message: 'must be a whole number', path: ['order', { key: 'id' }] }] },
      )
    },
  },
}

const received = (body: string): ReceivedMessage =>
  ({ topic: 'T', body: Buffer.from(body) }) as ReceivedMessage

test('JSON with a schema is validated on both sides, and the value is what the schema makes of it', async () => {
  const serde = json(schema)
  const sent = await encodeBody(serde, { topic: 'T', body: { id: 7 } })
  assert.equal(sent.body, '{"id":7}')
  const { body } = await decodeBody(serde, received('{"id":"8"}'))
  assert.deepEqual(body, { id: 8 })
})

test('what does not fit is a SerdeError with the topic, the place and what is wrong there', async () => {
  const wrong = encodeBody(json(schema), { topic: 'T', body: { id: 0.5 } })
  await assert.rejects(wrong, (error) => {
    assert.ok(error instanceof SerdeError)
    assert.match(error.message, /message of T is not what .* order\.id: must be a whole number/)
    return true
  })
  await assert.rejects(decodeBody(json(), received('{')), SerdeError)
  await assert.rejects(encodeBody(json<unknown>(), { topic: 'T', body: undefined }), SerdeError)
})

test('without a serde a body is text or bytes, and anything else is refused with what to do', async () => {
  const refused = encodeBody(undefined, { topic: 'T', body: { id: 1 } })
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof MessageError)
    assert.match(error.message, /the body is object: .* a serde, such as json\(\)/)
    return true
  })
  const message = received('as it is')
  assert.equal(await decodeBody(undefined, message), message)
  assert.equal((await decodeBody(text(), message)).body, 'as it is')
})
