import type { ByteSink } from '../frame/byte-sink.ts'
import type { Frame } from '../frame/frame-decoder.ts'
import { scanned } from '../frame/scan-values.ts'
import { nameBytes, replyWriter } from '../frame/reply-template.ts'
import { resourceProblem } from '../names/safe-name.ts'
import { ScannedFields } from '../frame/scanned-fields.ts'
import type { HeaderOf, ReplyHeaderOf } from '../schema/define-request.ts'
import type { HotCodec, HotReply, HotRequest } from './hot-codec.ts'
import type { PullMessage } from './pull-message.ts'

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
/** The bits of fields that are another with each pull. */
const OF_EACH_PULL = (1 << TOPIC) | (1 << QUEUE_ID) | (1 << QUEUE_OFFSET) | (1 << COMMIT_OFFSET)
const fields = new ScannedFields(FIELDS)

function decode(frame: Frame): HotRequest<PullHeader> | undefined {
  const f = fields
  if (!f.scan(frame)) return undefined
  const base = f.base(OF_EACH_PULL, readAll)
  const header = base === undefined ? readAll() : readOn(base)
  if (header === undefined || f.isOdd) return undefined
  const { opaque, flag, version, language } = scanned
  return { header, opaque, flag, version, language }
}

function readAll(): PullHeader | undefined {
  const f = fields
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

/** A header like one before, but for what each pull has of its own. */
function readOn(base: PullHeader): PullHeader {
  const f = fields
  return {
    ...base,
    topic: f.text(TOPIC),
    queueId: f.int32(QUEUE_ID),
    queueOffset: f.integer(QUEUE_OFFSET),
    commitOffset: f.integer(COMMIT_OFFSET),
  }
}

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

function writeReply(sink: ByteSink, opaque: number, reply: HotReply): boolean {
  const header = reply.header as Partial<ReplyHeaderOf<typeof PullMessage>> | undefined
  if (header === undefined || reply.fields !== undefined) return false
  replyWriter.begin(sink, FIELDS_ROOM + (reply.remark?.length ?? 0), reply.code)
  replyWriter.numberField(FORBIDDEN_TYPE, header.forbiddenType)
  replyWriter.numberField(GROUP_SYS_FLAG, header.groupSysFlag)
  replyWriter.numberField(MAX_OFFSET, header.maxOffset)
  replyWriter.numberField(MIN_OFFSET, header.minOffset)
  replyWriter.numberField(NEXT_BEGIN_OFFSET, header.nextBeginOffset)
  replyWriter.numberField(OFFSET_DELTA, header.offsetDelta)
  replyWriter.numberField(SUGGEST_WHICH_BROKER_ID, header.suggestWhichBrokerId)
  replyWriter.numberField(TOPIC_SYS_FLAG, header.topicSysFlag)
  return replyWriter.end(sink, opaque, reply.remark, reply.body)
}

/** The hot codec of PULL_MESSAGE and LITE_PULL_MESSAGE. Reference: `PullMessageRequestHeader.java`, decode. */
export const pullMessageHot: HotCodec<PullHeader> = { decode, writeReply }
