import type { Env } from '@skylarkmq/env'
import {
  BodyTooLarge,
  MessageSysFlag,
  ProtocolError,
  restoreBody,
  RESTORED_BYTES_MAX,
} from '@skylarkmq/protocol'
import { BodyTooLargeError } from './errors.ts'
import { storedMessages, type ReceivedMessage } from './message.ts'

const { COMPRESSED, COMPRESSION_MASK } = MessageSysFlag

/** Bodies that are in use may be so large together before another one is restored. */
const IN_USE_BYTES_MAX = 64 * 1024 * 1024
/** So much is restored in one turn of the event loop. */
const TURN_BYTES_MAX = 4 * 1024 * 1024

/**
 * Restores compressed bodies when they are handed out: what waits stays as small as it came, and whoever sent a few bytes
 * that become many takes memory for as long as one handler runs, and no more than there is for all.
 */
export class ReceivedBodies {
  readonly #env: Env
  readonly #bytesMax: number
  #inUse = 0
  #ofTurn = 0
  #waiting: (() => void)[] = []

  /** `bytesMax` bounds one body. */
  constructor(env: Env, bytesMax = RESTORED_BYTES_MAX) {
    this.#env = env
    this.#bytesMax = bytesMax
  }

  /**
   * Calls `use` with the message restored, at once when it is not compressed; its body counts until what `use` returned has
   * settled. Throws what `use` throws; rejects with RMQ_BODY_TOO_LARGE.
   */
  use<T>(
    message: ReceivedMessage,
    use: (message: ReceivedMessage) => T | Promise<T>,
  ): T | Promise<T> {
    return (message.sysFlag & COMPRESSED) === 0 ? use(message) : this.#useRestored(message, use)
  }

  async #useRestored<T>(
    message: ReceivedMessage,
    use: (message: ReceivedMessage) => T | Promise<T>,
  ): Promise<T> {
    // Nothing may come between the look at the room and what takes it.
    while (!this.#hasRoom) await this.#change()
    const whole = this.#restoredInTurn(message)
    const { length } = whole.body
    this.#inUse += length
    try {
      return await use(whole)
    } finally {
      this.#inUse -= length
      this.#wake()
    }
  }

  /** The message restored, for who keeps it. Throws RMQ_BODY_TOO_LARGE. */
  restored(message: ReceivedMessage): ReceivedMessage {
    try {
      return restored(message, this.#bytesMax)
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) throw error
      const { topic, msgId } = message
      throw new BodyTooLargeError({ topic, msgId, bytesMax: this.#bytesMax }, error)
    }
  }

  /** What is too large took as long as what is not. */
  #restoredInTurn(message: ReceivedMessage): ReceivedMessage {
    let bytes = this.#bytesMax
    try {
      const whole = this.restored(message)
      bytes = whole.body.length
      return whole
    } finally {
      this.#count(bytes)
    }
  }

  get #hasRoom(): boolean {
    return this.#inUse < IN_USE_BYTES_MAX && this.#ofTurn < TURN_BYTES_MAX
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  #count(bytes: number): void {
    if (this.#ofTurn === 0) {
      this.#env.turn.next(() => {
        this.#ofTurn = 0
        this.#wake()
      })
    }
    this.#ofTurn += Math.max(1, bytes)
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/**
 * A message with its body as the producer gave it; one that cannot be restored is given as it is, its sysFlag still says
 * so: Apache's client does the same. Throws BodyTooLarge.
 */
function restored(message: ReceivedMessage, bytesMax: number): ReceivedMessage {
  const { sysFlag } = message
  if ((sysFlag & COMPRESSED) === 0) return message
  try {
    const body = restoreBody(message.body, sysFlag, bytesMax)
    return { ...message, body, sysFlag: sysFlag & ~(COMPRESSED | COMPRESSION_MASK) }
  } catch (error) {
    if (!(error instanceof ProtocolError) || error instanceof BodyTooLarge) throw error
    return message
  }
}

/**
 * Messages restored, as many as there is room for; those that are too large, or too many, keep their bodies as they came,
 * and their sysFlags say so.
 */
export function restoredAll(messages: readonly ReceivedMessage[]): ReceivedMessage[] {
  let left = IN_USE_BYTES_MAX
  return messages.map((message) => {
    try {
      const whole = restored(message, Math.min(left, RESTORED_BYTES_MAX))
      if (whole !== message) left -= whole.body.length
      return whole
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) throw error
      return message
    }
  })
}

/**
 * Reads the messages in the body of an answer that came from `brokerName`; their topics are taken out of `namespace`.
 * A ProtocolError when they are broken. Bodies are decompressed up to 16 MiB each and 64 MiB together; what is more stays
 * as it came, and `sysFlag` says so.
 */
export function readMessages(
  body: Buffer,
  brokerName: string,
  namespace?: string,
): ReceivedMessage[] {
  return restoredAll(storedMessages(body, brokerName, namespace))
}
