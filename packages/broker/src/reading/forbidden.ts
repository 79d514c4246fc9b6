import { ResponseCode } from '@skylarkmq/protocol'
import type { Reply } from '@skylarkmq/remoting'

/** Why a group may not read, as old clients are told. Apache: `ForbiddenType.java`. */
export const Forbidden = {
  BROKER: 1,
  GROUP: 2,
  TOPIC: 3,
  BROADCASTING: 4,
  SUBSCRIPTION: 5,
} as const

/** The answer that refuses to read; `type` is one of `Forbidden`. */
export function forbidden(type: number, remark: string): Reply {
  return { code: ResponseCode.NO_PERMISSION, remark, fields: { forbiddenType: String(type) } }
}
