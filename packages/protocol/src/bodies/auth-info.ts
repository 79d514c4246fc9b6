import { type Shape, jsonBody, list, maybe, object, text } from './shape.ts'

/** A user. Apache: `UserInfo.java`. */
export interface UserInfo {
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Super or Normal */
  readonly userType?: string | undefined
  /** enable or disable */
  readonly userStatus?: string | undefined
}

/** One rule. Apache: `AclInfo.java`. */
export interface PolicyEntryInfo {
  readonly resource: string
  readonly actions: readonly string[]
  readonly sourceIps: readonly string[]
  /** Allow or Deny */
  readonly decision: string
}

/** Rules of one kind. */
export interface PolicyInfo {
  /** Custom or Default */
  readonly policyType: string
  readonly entries: readonly PolicyEntryInfo[]
}

/** The rules of a subject. Apache: `AclInfo.java`. */
export interface AclInfo {
  /** `User:name` */
  readonly subject: string
  readonly policies: readonly PolicyInfo[]
}

const user: Shape<UserInfo> = object<UserInfo>({
  username: maybe(text),
  password: maybe(text),
  userType: maybe(text),
  userStatus: maybe(text),
})

const acl: Shape<AclInfo> = object<AclInfo>({
  subject: text,
  policies: list(
    object<PolicyInfo>({
      policyType: text,
      entries: list(
        object<PolicyEntryInfo>({
          resource: text,
          actions: list(text),
          sourceIps: list(text),
          decision: text,
        }),
      ),
    }),
  ),
})

/** UserInfo as a body. */
export const userInfoBody = jsonBody('UserInfo', user)
/** Users as a body, a bare list. */
export const userInfoListBody = jsonBody<readonly UserInfo[]>('UserInfo', list(user))
/** AclInfo as a body. */
export const aclInfoBody = jsonBody('AclInfo', acl)
/** Rules of several subjects as a body, a bare list. */
export const aclInfoListBody = jsonBody<readonly AclInfo[]>('AclInfo', list(acl))
