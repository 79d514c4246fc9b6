import type { Env } from '@skylarkmq/env'
import {
  decodeReply,
  encodeHeader,
  ResponseCode,
  type HeaderOf,
  type RemotingCommand,
  type ReplyHeaderOf,
} from '@skylarkmq/protocol'
import {
  RemotingClient,
  type AnyRequest,
  type FrameHandler,
  type OutgoingRequest,
} from '@skylarkmq/remoting'
import { BrokerError } from '../errors.ts'

/** An answer that was expected. */
export interface Answer<D extends AnyRequest> {
  readonly code: number
  readonly remark: string
  readonly body: Buffer | undefined
  /** Reads the header; a ProtocolError when it lacks what the request's row promises. */
  header(): ReplyHeaderOf<D>
}

/** What a call may carry and take. */
export interface CallOptions {
  readonly body?: Uint8Array
  readonly timeoutMs?: number
  /** Codes beside SUCCESS that are answers too, not errors. */
  readonly accept?: readonly number[]
}

/** Sends requests by their rows, and turns refusals into ERR_CLIENT_BROKER. */
export class Caller {
  readonly #remoting: RemotingClient
  readonly #timeoutMs: number

  constructor(env: Env, handler: FrameHandler, timeoutMs: number) {
    this.#remoting = new RemotingClient(env, { handler })
    this.#timeoutMs = timeoutMs
  }

  /**
   * Asks and waits. Rejects with ERR_CLIENT_BROKER when the answer is none of the accepted codes, or with
   * the errors of `RemotingClient.request`. Who is told to go away asks once more over a new connection.
   */
  async call<D extends AnyRequest>(
    address: string,
    definition: D,
    header: HeaderOf<D>,
    options: CallOptions = {},
  ): Promise<Answer<D>> {
    const request = outgoing(definition, header, options.body)
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs
    let command = await this.#remoting.request(address, request, timeoutMs)
    if (command.code === ResponseCode.GO_AWAY) {
      this.#remoting.disconnect(address)
      command = await this.#remoting.request(address, request, timeoutMs)
    }
    return answerOf(definition, address, command, options.accept ?? [])
  }

  /** Sends a request that wants no answer. Rejects with ERR_REMOTING_CONNECT. */
  async oneway<D extends AnyRequest>(
    address: string,
    definition: D,
    header: HeaderOf<D>,
    body?: Uint8Array,
  ): Promise<void> {
    await this.#remoting.oneway(address, outgoing(definition, header, body))
  }

  /** Sends what is gathered and closes all connections. */
  close(): void {
    this.#remoting.close()
  }
}

function outgoing<D extends AnyRequest>(
  definition: D,
  header: HeaderOf<D>,
  body: Uint8Array | undefined,
): OutgoingRequest {
  const { code, name } = definition
  const request = { code, name, fields: encodeHeader(definition, header) }
  return body === undefined ? request : { ...request, body }
}

function answerOf<D extends AnyRequest>(
  definition: D,
  address: string,
  command: RemotingCommand,
  accept: readonly number[],
): Answer<D> {
  const { code, fields, body } = command
  const remark = command.remark ?? ''
  if (code !== ResponseCode.SUCCESS && !accept.includes(code)) {
    throw new BrokerError({ responseCode: code, remark, request: definition.name, address })
  }
  return { code, remark, body, header: () => decodeReply(definition, fields ?? {}) }
}
