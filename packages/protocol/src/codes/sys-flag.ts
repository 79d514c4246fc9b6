/** Bits of a message's sysFlag. Apache: `MessageSysFlag.java`. */
export const MessageSysFlag = {
  COMPRESSED: 0x1,
  MULTI_TAGS: 0x2,
  /** The two bits of the transaction state; the next three are their values. */
  TRANSACTION_MASK: 0xc,
  TRANSACTION_PREPARED: 0x4,
  TRANSACTION_COMMIT: 0x8,
  TRANSACTION_ROLLBACK: 0xc,
  BORN_HOST_V6: 0x10,
  STORE_HOST_V6: 0x20,
  NEED_UNWRAP: 0x40,
  INNER_BATCH: 0x80,
  /** The three bits that say how a compressed body is compressed; 0 is ZLIB of old clients. */
  COMPRESSION_MASK: 0x700,
  COMPRESSION_LZ4: 0x100,
  COMPRESSION_ZSTD: 0x200,
  COMPRESSION_ZLIB: 0x300,
} as const

/** The transaction state in a message's sysFlag: 0 none, 4 prepared, 8 commit, 12 rollback. */
export function transactionState(sysFlag: number): number {
  return sysFlag & MessageSysFlag.TRANSACTION_MASK
}

/** The sysFlag with another transaction state. */
export function withTransactionState(sysFlag: number, state: number): number {
  return (sysFlag & ~MessageSysFlag.TRANSACTION_MASK) | state
}

/** Bits of a pull's sysFlag. Apache: `PullSysFlag.java`. */
export const PullSysFlag = {
  /** The request's commitOffset is to be stored. */
  COMMIT_OFFSET: 0x1,
  /** The broker may hold the request. */
  SUSPEND: 0x2,
  /** The request carries its subscription. */
  SUBSCRIPTION: 0x4,
  CLASS_FILTER: 0x8,
  LITE_PULL: 0x10,
} as const

/** Bits of a topic's sysFlag. Apache: `TopicSysFlag.java`. */
export const TopicSysFlag = { UNIT: 0x1, UNIT_SUB: 0x2 } as const

/** The sysFlag of a topic. */
export function topicSysFlag(unit: boolean, hasUnitSub: boolean): number {
  return (unit ? TopicSysFlag.UNIT : 0) | (hasUnitSub ? TopicSysFlag.UNIT_SUB : 0)
}
