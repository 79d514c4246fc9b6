import { flag, jsonBody, list, number, object, text } from './shape.ts'

/** One slave, as its master sees it. Apache: `HARuntimeInfo.java`. */
export interface HaConnectionInfo {
  readonly addr: string
  readonly slaveAckOffset: number
  readonly diff: number
  readonly inSync: boolean
  readonly transferredByteInSecond: number
  readonly transferFromWhere: number
}

/** A slave's own view of its replication. */
export interface HaClientInfo {
  readonly masterAddr: string
  readonly transferredByteInSecond: number
  readonly maxOffset: number
  /** ms */
  readonly lastReadTimestamp: number
  /** ms */
  readonly lastWriteTimestamp: number
  readonly masterFlushOffset: number
  readonly isActivated: boolean
}

/** How replication is: GET_BROKER_HA_STATUS. Apache: `HARuntimeInfo.java`. */
export interface HaRuntimeInfo {
  readonly master: boolean
  readonly masterCommitLogMaxOffset: number
  readonly inSyncSlaveNums: number
  readonly haConnectionInfo: readonly HaConnectionInfo[]
  readonly haClientRuntimeInfo: HaClientInfo
}

/** HaRuntimeInfo as a body. */
export const haRuntimeInfoBody = jsonBody<HaRuntimeInfo>(
  'HARuntimeInfo',
  object<HaRuntimeInfo>({
    master: flag,
    masterCommitLogMaxOffset: number,
    inSyncSlaveNums: number,
    haConnectionInfo: list(
      object<HaConnectionInfo>({
        addr: text,
        slaveAckOffset: number,
        diff: number,
        inSync: flag,
        transferredByteInSecond: number,
        transferFromWhere: number,
      }),
    ),
    haClientRuntimeInfo: object<HaClientInfo>({
      masterAddr: text,
      transferredByteInSecond: number,
      maxOffset: number,
      lastReadTimestamp: number,
      lastWriteTimestamp: number,
      masterFlushOffset: number,
      isActivated: flag,
    }),
  }),
)
