import { ResponseCode } from '../codes/response-code.ts'
import type { ByteSink } from '../frame/byte-sink.ts'
import type { Frame } from '../frame/frame-decoder.ts'
import { scanned } from '../frame/scan-values.ts'
import { nameBytes, replyWriter } from '../frame/reply-template.ts'
import { labelProblem, resourceProblem } from '../names/safe-name.ts'
import { ScannedFields } from '../frame/scanned-fields.ts'
import type { FieldMap, HeaderOf, ReplyHeaderOf } from '../schema/define-request.ts'
import type { HotCodec, HotReply, HotRequest } from './hot-codec.ts'
import { SendMessage, SendMessageV2 } from './send-message.ts'
import { SentMessage, SentTemplates } from './sent-message.ts'

type SendHeader = HeaderOf<typeof SendMessage>

/** The fields of a send; those of proxies come last and make a header odd. */
const FIELDS = [
  'producerGroup',
  'topic',
  'defaultTopic',
  'defaultTopicQueueNums',
  'queueId',
  'sysFlag',
  'bornTimestamp',
  'flag',
  'properties',
  'reconsumeTimes',
  'unitMode',
  'maxReconsumeTimes',
  'batch',
  'bname',
  'ns',
  'nsd',
  'oway',
  'lo',
] as const
const FIRST_OF_PROXIES = FIELDS.indexOf('ns')
const TOPIC = 1
const QUEUE = 4
const BORN = 6
const PROPERTIES = 8
/** The bits of fields that are another with each message. */
const OF_EACH_MESSAGE = (1 << TOPIC) | (1 << QUEUE) | (1 << BORN) | (1 << PROPERTIES)

/** The codec of SEND_MESSAGE and its variants. Reference: `SendMessageRequestHeaderV2.java`, decode. */
class SendMessageHot implements HotCodec<SendHeader> {
  readonly #fields: ScannedFields
  readonly #templates = new SentTemplates((sink, opaque, header, fields) =>
    this.writeReply(sink, opaque, { ...PLAIN, header, fields }),
  )

  constructor(wireNames: Readonly<Record<string, string>>) {
    this.#fields = new ScannedFields(FIELDS.map((name) => wireNames[name] ?? name))
  }

  decode(frame: Frame): HotRequest<SendHeader> | undefined {
    const f = this.#fields
    if (!f.scan(frame)) return undefined
    const base = f.base(OF_EACH_MESSAGE, this.#readAll)
    const header = base === undefined ? this.#readAll() : this.#readOn(base)
    if (header === undefined || f.isOdd) return undefined
    const { opaque, flag, version, language } = scanned
    return { header, opaque, flag, version, language }
  }

  readonly #readAll = (): SendHeader | undefined => {
    const f = this.#fields
    for (let n = FIRST_OF_PROXIES; n < FIELDS.length; n++) if (f.has(n)) return undefined
    const header: SendHeader = {
      bname: f.optionalText(13),
      producerGroup: f.text(0),
      topic: f.text(TOPIC),
      defaultTopic: f.text(2),
      defaultTopicQueueNums: f.int32(3),
      queueId: f.int32(QUEUE),
      sysFlag: f.int32(5),
      bornTimestamp: f.integer(BORN),
      flag: f.int32(7),
      properties: f.optionalBytes(PROPERTIES),
      reconsumeTimes: f.optionalInt32(9),
      unitMode: f.optionalBoolean(10),
      maxReconsumeTimes: f.optionalInt32(11),
      batch: f.optionalBoolean(12),
    }
    const isNamed =
      labelProblem(header.producerGroup) === undefined &&
      resourceProblem(header.defaultTopic) === undefined
    return f.isOdd || !isNamed ? undefined : header
  }

  /** A header like one before, but for what each message has of its own. */
  #readOn(base: SendHeader): SendHeader {
    const f = this.#fields
    return {
      bname: base.bname,
      producerGroup: base.producerGroup,
      topic: f.text(TOPIC),
      defaultTopic: base.defaultTopic,
      defaultTopicQueueNums: base.defaultTopicQueueNums,
      queueId: f.int32(QUEUE),
      sysFlag: base.sysFlag,
      bornTimestamp: f.integer(BORN),
      flag: base.flag,
      properties: f.optionalBytes(PROPERTIES),
      reconsumeTimes: base.reconsumeTimes,
      unitMode: base.unitMode,
      maxReconsumeTimes: base.maxReconsumeTimes,
      batch: base.batch,
    }
  }

  writeReply(sink: ByteSink, opaque: number, reply: HotReply): boolean {
    const fields = reply.fields ?? NO_FIELDS
    if (reply.header === undefined || !isStampOnly(fields)) return false
    if (reply.header instanceof SentMessage && isPlain(reply)) {
      if (this.#templates.write(sink, opaque, reply.header, fields)) return true
    }
    const header: Partial<ReplyHeaderOf<typeof SendMessage>> = reply.header
    const region = fields['MSG_REGION'] ?? header.MSG_REGION
    const trace = fields['TRACE_ON'] ?? header.TRACE_ON
    replyWriter.begin(sink, roomFor(header, region, trace, reply.remark), reply.code)
    replyWriter.textField(MSG_REGION, region)
    replyWriter.textField(TRACE_ON, trace)
    replyWriter.textField(BATCH_UNIQ_ID, header.batchUniqId)
    replyWriter.textField(MSG_ID, header.msgId)
    replyWriter.numberField(QUEUE_ID, header.queueId)
    replyWriter.numberField(QUEUE_OFFSET, header.queueOffset)
    replyWriter.textField(RECALL_HANDLE, header.recallHandle)
    replyWriter.textField(TRANSACTION_ID, header.transactionId)
    return replyWriter.end(sink, opaque, reply.remark, reply.body)
  }
}

/** The answer that nearly all sends get. */
const PLAIN: HotReply = { code: ResponseCode.SUCCESS, remark: undefined, body: undefined }

const isPlain = (reply: HotReply): boolean =>
  reply.code === PLAIN.code && reply.remark === undefined && reply.body === undefined

const NO_FIELDS: FieldMap = {}
const MSG_REGION = nameBytes('MSG_REGION')
const TRACE_ON = nameBytes('TRACE_ON')
const BATCH_UNIQ_ID = nameBytes('batchUniqId')
const MSG_ID = nameBytes('msgId')
const QUEUE_ID = nameBytes('queueId')
const QUEUE_OFFSET = nameBytes('queueOffset')
const RECALL_HANDLE = nameBytes('recallHandle')
const TRANSACTION_ID = nameBytes('transactionId')
/** Names, quotes, commas and two numbers. */
const NAMES_ROOM = 256

// A broker passes the same object with each answer: looked at once, it is known.
let lastStamp: FieldMap = NO_FIELDS

function isStampOnly(fields: FieldMap): boolean {
  if (fields === lastStamp || fields === NO_FIELDS) return true
  for (const name of Object.keys(fields)) {
    if (name !== 'MSG_REGION' && name !== 'TRACE_ON') return false
  }
  if (Object.isFrozen(fields)) lastStamp = fields
  return true
}

function roomFor(
  header: Partial<ReplyHeaderOf<typeof SendMessage>>,
  region: string | undefined,
  trace: string | undefined,
  remark: string | undefined,
): number {
  return (
    NAMES_ROOM +
    (region?.length ?? 0) +
    (trace?.length ?? 0) +
    (header.batchUniqId?.length ?? 0) +
    (header.msgId?.length ?? 0) +
    (header.recallHandle?.length ?? 0) +
    (header.transactionId?.length ?? 0) +
    (remark?.length ?? 0)
  )
}

/** The hot codec of SEND_MESSAGE. */
export const sendMessageHot: HotCodec<SendHeader> = new SendMessageHot(SendMessage.wireNames ?? {})
/** The hot codec of SEND_MESSAGE_V2 and SEND_BATCH_MESSAGE. */
export const sendMessageV2Hot: HotCodec<SendHeader> = new SendMessageHot(
  SendMessageV2.wireNames ?? {},
)
