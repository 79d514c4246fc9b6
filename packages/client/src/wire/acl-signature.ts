import { createHmac } from 'node:crypto'
import type { FieldMap } from '@skylarkmq/protocol'

/** An account, as requests are signed with it. */
export interface Credentials {
  readonly accessKey: string
  readonly secretKey: string
  readonly securityToken?: string | undefined
}

/**
 * The fields of a request with those that show who asks: the account's name, and a signature over the values of all
 * fields in the order of their names and the body (HMAC-SHA1, Base64). Apache: `AclClientRPCHook.java`, `AclUtils.java`.
 */
export function signedFields(
  { accessKey, secretKey, securityToken }: Credentials,
  fields: FieldMap,
  body: Uint8Array | undefined,
): FieldMap {
  const all: FieldMap = { ...fields, AccessKey: accessKey }
  if (securityToken !== undefined) all['SecurityToken'] = securityToken
  const hmac = createHmac('sha1', secretKey)
  for (const name of Object.keys(all).sort()) hmac.update(all[name] ?? '', 'utf8')
  if (body !== undefined) hmac.update(body)
  all['Signature'] = hmac.digest('base64')
  return all
}
