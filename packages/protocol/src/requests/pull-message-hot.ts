import type { ByteSink } from '../frame/byte-sink.ts'
import type { Frame } from '../frame/frame-decoder.ts'
import type { HeaderScan } from '../frame/header-scan.ts'
import { nameBytes, type ReplyWriter } from '../frame/reply-template.ts'
import { resourceProblem } from '../names/safe-name.ts'
import { ScannedFields } from '../frame/scanned-fields.ts'
import type { HeaderOf, ReplyHeaderOf } from '../schema/define-request.ts'
import type { HotCodec, HotReply, HotRequest } from './hot-codec.ts'
import type { PullMessage } from './pull-message.ts'
import type { HotParts } from './send-message-hot.ts'

type PullHeader = HeaderOf<typeof PullMessage>

/** The fields of a pull; those of proxies come last and make a header odd. */
const FIELDS = [
  'consumerGroup',
  'topic',
  'queueId',
  'queueOffset',
  'maxMsgNums',
  'sysFlag',
  'commitOffset',
  'suspendTimeoutMillis',
  'subscription',
  'subVersion',
  'expressionType',
  'maxMsgBytes',
  'requestSource',
  'bname',
  'proxyFrowardClientId',
  'ns',
  'nsd',
  'oway',
  'lo',
] as const
const FIRST_OF_PROXIES = FIELDS.indexOf('proxyFrowardClientId')
const TOPIC = 1
const QUEUE_ID = 2
const QUEUE_OFFSET = 3
const COMMIT_OFFSET = 6

const FORBIDDEN_TYPE = nameBytes('forbiddenType')
const GROUP_SYS_FLAG = nameBytes('groupSysFlag')
const MAX_OFFSET = nameBytes('maxOffset')
const MIN_OFFSET = nameBytes('minOffset')
const NEXT_BEGIN_OFFSET = nameBytes('nextBeginOffset')
const OFFSET_DELTA = nameBytes('offsetDelta')
const SUGGEST_WHICH_BROKER_ID = nameBytes('suggestWhichBrokerId')
const TOPIC_SYS_FLAG = nameBytes('topicSysFlag')
/** All names, quotes, commas and eight numbers. */
const FIELDS_ROOM = 400

/** The codec of PULL_MESSAGE and LITE_PULL_MESSAGE. Reference: `PullMessageRequestHeader.java`, decode. */
export class PullMessageHot implements HotCodec<PullHeader> {
  readonly #scan: HeaderScan
  readonly #fields: ScannedFields
  readonly #writer: ReplyWriter

  constructor({ scan, texts, writer }: HotParts) {
    this.#scan = scan
    this.#fields = new ScannedFields(scan, texts, FIELDS)
    this.#writer = writer
  }

  decode(frame: Frame): HotRequest<PullHeader> | undefined {
    if (!this.#fields.scan(frame)) return undefined
    const header = this.#read()
    if (header === undefined) return undefined
    const { opaque, flag, version, language } = this.#scan
    return { header, opaque, flag, version, language }
  }

  #read(): PullHeader | undefined {
    const f = this.#fields
    for (let n = FIRST_OF_PROXIES; n < FIELDS.length; n++) if (f.has(n)) return undefined
    const header: PullHeader = {
      bname: f.optionalText(13),
      consumerGroup: f.text(0),
      topic: f.text(TOPIC),
      queueId: f.int32(QUEUE_ID),
      queueOffset: f.integer(QUEUE_OFFSET),
      maxMsgNums: f.int32(4),
      sysFlag: f.int32(5),
      commitOffset: f.integer(COMMIT_OFFSET),
      suspendTimeoutMillis: f.integer(7),
      subscription: f.optionalText(8),
      subVersion: f.integer(9),
      expressionType: f.optionalText(10),
      maxMsgBytes: f.optionalInt32(11),
      requestSource: f.optionalInt32(12),
    }
    return f.isOdd || resourceProblem(header.consumerGroup) !== undefined ? undefined : header
  }

  writeReply(sink: ByteSink, opaque: number, reply: HotReply): boolean {
    const header = reply.header as Partial<ReplyHeaderOf<typeof PullMessage>> | undefined
    if (header === undefined || reply.fields !== undefined) return false
    const writer = this.#writer
    writer.begin(sink, FIELDS_ROOM + (reply.remark?.length ?? 0), reply.code)
    writer.numberField(FORBIDDEN_TYPE, header.forbiddenType)
    writer.numberField(GROUP_SYS_FLAG, header.groupSysFlag)
    writer.numberField(MAX_OFFSET, header.maxOffset)
    writer.numberField(MIN_OFFSET, header.minOffset)
    writer.numberField(NEXT_BEGIN_OFFSET, header.nextBeginOffset)
    writer.numberField(OFFSET_DELTA, header.offsetDelta)
    writer.numberField(SUGGEST_WHICH_BROKER_ID, header.suggestWhichBrokerId)
    writer.numberField(TOPIC_SYS_FLAG, header.topicSysFlag)
    return writer.end(sink, opaque, reply.remark, reply.body)
  }
}
