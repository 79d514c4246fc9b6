import {
  CURRENT_VERSION,
  LanguageCode,
  ResponseCode,
  Serialization,
  type Frame,
} from '@skylarkmq/protocol'

/** The answer to a request whose message is not in the log after all. */
export function failureReply(opaque: number, remark: string) {
  return {
    code: ResponseCode.SERVICE_NOT_AVAILABLE,
    language: LanguageCode.JAVA,
    version: CURRENT_VERSION,
    opaque,
    flag: 1,
    remark,
    fields: undefined,
    body: undefined,
    serialization: Serialization.JSON,
  }
}

/** A copy of a frame, which is valid for as long as it is needed. */
export function copyOfFrame(frame: Frame): Frame {
  const from = frame.headerStart
  return {
    ...frame,
    buffer: Buffer.from(frame.buffer.subarray(from, frame.bodyEnd)),
    headerStart: 0,
    headerEnd: frame.headerEnd - from,
    bodyStart: frame.bodyStart - from,
    bodyEnd: frame.bodyEnd - from,
  }
}
