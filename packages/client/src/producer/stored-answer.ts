import { ResponseCode, type MessageQueue, type SendMessageV2 } from '@skylarkmq/protocol'
import type { Answer } from '../wire/call.ts'
import type { PreparedSend } from './encode-send.ts'
import type { SendResult, SendStatus } from './send-result.ts'

const STATUSES: Readonly<Record<number, SendStatus>> = {
  [ResponseCode.SUCCESS]: 'SEND_OK',
  [ResponseCode.FLUSH_DISK_TIMEOUT]: 'FLUSH_DISK_TIMEOUT',
  [ResponseCode.SLAVE_NOT_AVAILABLE]: 'SLAVE_NOT_AVAILABLE',
  [ResponseCode.FLUSH_SLAVE_TIMEOUT]: 'FLUSH_SLAVE_TIMEOUT',
}

/** Answers beside SUCCESS that mean that the message is stored. */
export const STORED = [
  ResponseCode.FLUSH_DISK_TIMEOUT,
  ResponseCode.SLAVE_NOT_AVAILABLE,
  ResponseCode.FLUSH_SLAVE_TIMEOUT,
]

/** What an answer says; `topic` is the one that the user knows. */
export function resultOf(
  answer: Answer<typeof SendMessageV2>,
  prepared: PreparedSend,
  { brokerName }: MessageQueue,
  topic: string,
): SendResult {
  const header = answer.header()
  return {
    status: STATUSES[answer.code] ?? 'SEND_OK',
    msgId: prepared.msgIds.join(','),
    offsetMsgId: header.msgId,
    messageQueue: { topic, brokerName, queueId: header.queueId },
    queueOffset: header.queueOffset,
    transactionId: header.transactionId,
    recallHandle: header.recallHandle,
    regionId: header.MSG_REGION ?? 'DefaultRegion',
    traceOn: header.TRACE_ON !== 'false',
  }
}
