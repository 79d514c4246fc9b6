import type { HotCodec } from './hot-codec.ts'
import { LitePullMessage, PullMessage } from './pull-message.ts'
import { pullMessageHot } from './pull-message-hot.ts'
import { SendBatchMessage, SendMessage, SendMessageV2 } from './send-message.ts'
import { sendMessageHot, sendMessageV2Hot } from './send-message-hot.ts'

/** The hot codecs by request code. */
export const hotCodecs: ReadonlyMap<number, HotCodec> = new Map<number, HotCodec>([
  [SendMessage.code, sendMessageHot],
  [SendMessageV2.code, sendMessageV2Hot],
  [SendBatchMessage.code, sendMessageV2Hot],
  [PullMessage.code, pullMessageHot],
  [LitePullMessage.code, pullMessageHot],
])
