import type { DecodedMessage } from '@skylarkmq/protocol'
import type { MessageToStore } from './message.ts'

/** Where a message goes that is stored again, and what is another about it. */
export type MessageChanges = Pick<MessageToStore, 'topic' | 'queueId' | 'properties' | 'tagsCode'> &
  Partial<MessageToStore>

/** A message that the log has, to be stored once more under another place: nobody waits for the disk. */
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
