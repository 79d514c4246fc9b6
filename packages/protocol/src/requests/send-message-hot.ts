import { ResponseCode } from '../codes/response-code.ts'
import type { ByteSink } from '../frame/byte-sink.ts'
import type { Frame } from '../frame/frame-decoder.ts'
import type { HeaderScan } from '../frame/header-scan.ts'
import type { InternedTexts } from '../frame/interned-texts.ts'
import { nameBytes, type ReplyWriter } from '../frame/reply-template.ts'
import { labelProblem, resourceProblem } from '../names/safe-name.ts'
import { ScannedFields } from '../frame/scanned-fields.ts'
import type { FieldMap, HeaderOf, ReplyHeaderOf } from '../schema/define-request.ts'
import type { HotCodec, HotReply, HotRequest } from './hot-codec.ts'
import type { SendMessage } from './send-message.ts'
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

/** What the codecs of a server share. */
export interface HotParts {
  readonly scan: HeaderScan
  readonly texts: InternedTexts
  readonly writer: ReplyWriter
}

/** The codec of SEND_MESSAGE and its variants. Reference: `SendMessageRequestHeaderV2.java`, decode. */
export class SendMessageHot implements HotCodec<SendHeader> {
  readonly #scan: HeaderScan
  readonly #fields: ScannedFields
  readonly #writer: ReplyWriter
  readonly #templates = new SentTemplates((sink, opaque, header, fields) =>
    this.writeReply(sink, opaque, { ...PLAIN, header, fields }),
  )

  // A broker passes the same object with each answer: looked at once, it is known.
  #lastStamp: FieldMap = NO_FIELDS

  constructor({ scan, texts, writer }: HotParts, wireNames: Readonly<Record<string, string>>) {
    this.#scan = scan
    this.#fields = new ScannedFields(
      scan,
      texts,
      FIELDS.map((name) => wireNames[name] ?? name),
    )
    this.#writer = writer
  }

  decode(frame: Frame): HotRequest<SendHeader> | undefined {
    if (!this.#fields.scan(frame)) return undefined
    const header = this.#read()
    if (header === undefined) return undefined
    const { opaque, flag, version, language } = this.#scan
    return { header, opaque, flag, version, language }
  }

  #read(): SendHeader | undefined {
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

  writeReply(sink: ByteSink, opaque: number, reply: HotReply): boolean {
    const fields = reply.fields ?? NO_FIELDS
    if (reply.header === undefined || !this.#isStampOnly(fields)) return false
    if (reply.header instanceof SentMessage && isPlain(reply)) {
      if (this.#templates.write(sink, opaque, reply.header, fields)) return true
    }
    const header: Partial<ReplyHeaderOf<typeof SendMessage>> = reply.header
    const region = fields['MSG_REGION'] ?? header.MSG_REGION
    const trace = fields['TRACE_ON'] ?? header.TRACE_ON
    const writer = this.#writer
    writer.begin(sink, roomFor(header, region, trace, reply.remark), reply.code)
    writer.textField(MSG_REGION, region)
    writer.textField(TRACE_ON, trace)
    writer.textField(BATCH_UNIQ_ID, header.batchUniqId)
    writer.textField(MSG_ID, header.msgId)
    writer.numberField(QUEUE_ID, header.queueId)
    writer.numberField(QUEUE_OFFSET, header.queueOffset)
    writer.textField(RECALL_HANDLE, header.recallHandle)
    writer.textField(TRANSACTION_ID, header.transactionId)
    return writer.end(sink, opaque, reply.remark, reply.body)
  }

  #isStampOnly(fields: FieldMap): boolean {
    if (fields === this.#lastStamp || fields === NO_FIELDS) return true
    for (const name of Object.keys(fields)) {
      if (name !== 'MSG_REGION' && name !== 'TRACE_ON') return false
    }
    if (Object.isFrozen(fields)) this.#lastStamp = fields
    return true
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
