import type { DecodedMessage } from '@skylarkmq/protocol'
import type { MessageToStore } from './message.ts'

/** The destination of a message that is stored again, and the fields that change. */
export type MessageChanges = Pick<MessageToStore, 'topic' | 'queueId' | 'properties' | 'tagsCode'> &
  Partial<MessageToStore>

/** A message of the log that is to be stored again elsewhere, without waiting for the disk. */
export function messageAgain(record: DecodedMessage, changes: MessageChanges): MessageToStore {
  const { flag, sysFlag, bornTimestamp, bornHost, bornPort, reconsumeTimes, body } = record
  return {
    flag,
    sysFlag,
    bornTimestamp,
    bornHost,
    bornPort,
    reconsumeTimes,
    preparedTransactionOffset: 0,
    body,
    waitStoreOk: false,
    ...changes,
  }
}
