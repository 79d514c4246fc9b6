import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signedFields } from '../src/wire/acl-signature.ts'

// Reference: `AclSigner.java`; RFC 2202's second case, whose data here are the value of a field and the body.
test('a signature is HMAC-SHA1 in Base64 over the values by the order of their names, then the body', () => {
  const fields = signedFields(
    { accessKey: 'what do ya ', secretKey: 'Jefe' },
    { B: 'want for' },
    Buffer.from(' nothing?'),
  )
  const digest = Buffer.from('effcdf6ae5eb2fa2d27416d5f184df9c259a7c79', 'hex')
  assert.deepEqual(fields, {
    AccessKey: 'what do ya ',
    B: 'want for',
    Signature: digest.toString('base64'),
  })
})

test('a token of an account for a while is sent and signed', () => {
  const account = { accessKey: 'a', secretKey: 's' }
  const without = signedFields(account, {}, undefined)
  const withToken = signedFields({ ...account, securityToken: 't' }, {}, undefined)
  assert.equal(withToken['SecurityToken'], 't')
  assert.notEqual(withToken['Signature'], without['Signature'])
})
