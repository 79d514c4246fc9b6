/** The result of storing a message. Apache: `PutMessageStatus.java`. */
export const PutMessageStatus = {
  PUT_OK: 'PUT_OK',
  /** Stored, but not known to be on disk within `syncFlushTimeout`. */
  FLUSH_DISK_TIMEOUT: 'FLUSH_DISK_TIMEOUT',
  /** Stored, but no slave confirmed it in time. */
  FLUSH_SLAVE_TIMEOUT: 'FLUSH_SLAVE_TIMEOUT',
  /** Stored, but no slave is near enough to wait for. */
  SLAVE_NOT_AVAILABLE: 'SLAVE_NOT_AVAILABLE',
  /** Not stored: the store does not accept messages now; the remark says why. */
  SERVICE_NOT_AVAILABLE: 'SERVICE_NOT_AVAILABLE',
  /** Not stored: the next commit log file could not be made. */
  CREATE_MAPPED_FILE_FAILED: 'CREATE_MAPPED_FILE_FAILED',
  /** Not stored: the topic or the body is too long. */
  MESSAGE_ILLEGAL: 'MESSAGE_ILLEGAL',
  /** Not stored: the properties are longer than 32767 bytes. */
  PROPERTIES_SIZE_EXCEEDED: 'PROPERTIES_SIZE_EXCEEDED',
} as const
/** The result of storing a message. */
export type PutMessageStatus = (typeof PutMessageStatus)[keyof typeof PutMessageStatus]

const STORED: ReadonlySet<PutMessageStatus> = new Set<PutMessageStatus>([
  PutMessageStatus.PUT_OK,
  PutMessageStatus.FLUSH_DISK_TIMEOUT,
  PutMessageStatus.FLUSH_SLAVE_TIMEOUT,
  PutMessageStatus.SLAVE_NOT_AVAILABLE,
])
const UNFIT: ReadonlySet<PutMessageStatus> = new Set<PutMessageStatus>([
  PutMessageStatus.MESSAGE_ILLEGAL,
  PutMessageStatus.PROPERTIES_SIZE_EXCEEDED,
])

/** Whether a message with this status is in the log, even if a condition was not met in time. */
export const isStored = (status: PutMessageStatus): boolean => STORED.has(status)

/** Whether a message with this status cannot be stored as it is, so that a retry is pointless. */
export const isUnfit = (status: PutMessageStatus): boolean => UNFIT.has(status)

/** The result of reading a queue. Apache: `GetMessageStatus.java`. */
export const GetMessageStatus = {
  FOUND: 'FOUND',
  /** Units were read, but the filter matched none of their messages. */
  NO_MATCHED_MESSAGE: 'NO_MATCHED_MESSAGE',
  /** The part of the commit log with the messages is gone. */
  MESSAGE_WAS_REMOVING: 'MESSAGE_WAS_REMOVING',
  /** The queue's file could not be read at this offset. */
  OFFSET_FOUND_NULL: 'OFFSET_FOUND_NULL',
  /** The offset is behind the end of the queue. */
  OFFSET_OVERFLOW_BADLY: 'OFFSET_OVERFLOW_BADLY',
  /** The offset is the one that the next message will get. */
  OFFSET_OVERFLOW_ONE: 'OFFSET_OVERFLOW_ONE',
  /** The offset is before the first message that still exists. */
  OFFSET_TOO_SMALL: 'OFFSET_TOO_SMALL',
  /** The queue was never written to. */
  NO_MATCHED_LOGIC_QUEUE: 'NO_MATCHED_LOGIC_QUEUE',
  /** The queue exists and was always empty. */
  NO_MESSAGE_IN_QUEUE: 'NO_MESSAGE_IN_QUEUE',
} as const
/** The result of reading a queue. */
export type GetMessageStatus = (typeof GetMessageStatus)[keyof typeof GetMessageStatus]
