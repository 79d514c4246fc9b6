import { HeaderScan } from '../frame/header-scan.ts'
import { InternedTexts } from '../frame/interned-texts.ts'
import { ReplyWriter } from '../frame/reply-template.ts'
import type { HotCodec } from './hot-codec.ts'
import { LitePullMessage, PullMessage } from './pull-message.ts'
import { PullMessageHot } from './pull-message-hot.ts'
import { SendBatchMessage, SendMessage, SendMessageV2 } from './send-message.ts'
import { SendMessageHot } from './send-message-hot.ts'

/** Hot codecs by request code. */
export type HotCodecs = ReadonlyMap<number, HotCodec>

/** The hot codecs of one server, by request code. What they keep between requests is bounded and belongs to that server. */
export function createHotCodecs(): HotCodecs {
  const parts = { scan: new HeaderScan(), texts: new InternedTexts(), writer: new ReplyWriter() }
  const send = new SendMessageHot(parts, SendMessage.wireNames ?? {})
  const sendV2 = new SendMessageHot(parts, SendMessageV2.wireNames ?? {})
  const pull = new PullMessageHot(parts)
  return new Map<number, HotCodec>([
    [SendMessage.code, send],
    [SendMessageV2.code, sendV2],
    [SendBatchMessage.code, sendV2],
    [PullMessage.code, pull],
    [LitePullMessage.code, pull],
  ])
}
