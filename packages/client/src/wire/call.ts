import { hostErrorCode, type Env, type TlsOptions } from '@skylarkmq/env'
import {
  decodeReply,
  encodeHeader,
  ResponseCode,
  type HeaderOf,
  type RemotingCommand,
  type ReplyHeaderOf,
} from '@skylarkmq/protocol'
import {
  ConnectFailed,
  ConnectionClosed,
  ForeignProtocol,
  RemotingClient,
  RequestTimeout,
  type AnyRequest,
  type Connection,
  type ConnectionEnd,
  type FrameHandler,
  type OutgoingRequest,
} from '@skylarkmq/remoting'
import {
  brokerError,
  ConnectError,
  ConnectionLostError,
  TimeoutError,
  WrongPortError,
  type Advertised,
} from '../errors.ts'
import { traced, tracing } from '../tracing.ts'
import { settledWithin, within } from '../waiting.ts'
import { signedFields, type Credentials } from './acl-signature.ts'
import { Unanswered } from './unanswered.ts'

/** An answer that was expected. */
export interface Answer<D extends AnyRequest> {
  readonly code: number
  readonly remark: string
  readonly body: Buffer | undefined
  /** Reads the header; a ProtocolError when it lacks what the request's row promises. */
  header(): ReplyHeaderOf<D>
}

/** What a call may carry and take. */
export interface AskOptions {
  readonly body?: Uint8Array
  readonly timeoutMs?: number
  /** See OutgoingRequest. */
  readonly patienceMs?: number
  /** How long a connection that has to be made is waited for, ms; default as long as the call has. It may still come about. */
  readonly connectMs?: number
  /** Codes beside SUCCESS that are answers too, not errors. */
  readonly accept?: readonly number[]
}

/** What calls are made with. */
export interface CallerParts {
  readonly handler: FrameHandler
  readonly timeoutMs: number
  readonly credentials?: Credentials | undefined
  readonly tls?: TlsOptions | undefined
  /** Who told this client of an address; undefined when its user did. */
  advertised(address: string): Advertised | undefined
  /** A connection was made. */
  connected(address: string): void
  /** No connection could be made. */
  unreachable(address: string): void
  /** A connection that had been made has ended. */
  ended(address: string, end: ConnectionEnd): void
}

/** Sends requests by their rows, and turns what goes wrong into the errors of this client. */
export class Caller {
  readonly #env: Env
  readonly #parts: CallerParts
  readonly #remoting: RemotingClient
  readonly #connecting = new Map<string, Promise<Connection>>()
  readonly #unanswered: Unanswered

  constructor(env: Env, parts: CallerParts) {
    this.#env = env
    this.#unanswered = new Unanswered(env.clock)
    this.#parts = parts
    this.#remoting = new RemotingClient(env, {
      handler: parts.handler,
      tls: parts.tls,
      onClosed: (address, end) => {
        parts.ended(address, end)
      },
    })
  }

  /** How long an answer is waited for when a call does not say it, ms. */
  get timeoutMs(): number {
    return this.#parts.timeoutMs
  }

  /** The addresses that there are connections to. */
  get connected(): string[] {
    return this.#remoting.addresses
  }

  /** Those of the addresses at which somebody may be: connecting to the others had no answer the last time. */
  answering<T>(all: readonly T[], addressOf: (each: T) => string | undefined): readonly T[] {
    return this.#unanswered.without(all, addressOf)
  }

  /** Connects to an address, unless it is connected to. Rejects as `oneway`. */
  async reach(address: string): Promise<void> {
    if (this.#remoting.existing(address) !== undefined) return
    const begin = this.#env.clock.monotonic()
    const what = 'a connection'
    try {
      await this.#connection(address, what, this.#parts.timeoutMs)
    } catch (error) {
      throw this.#explained(error, address, what, this.#env.clock.monotonic() - begin)
    }
  }

  /**
   * Asks and waits. Rejects with RMQ_BROKER, RMQ_AUTH or RMQ_FLOW_CONTROL when the answer is none of the accepted codes;
   * RMQ_CONNECT, RMQ_WRONG_PORT, RMQ_CONNECTION_LOST or RMQ_TIMEOUT when none came. Who is told to go away asks once
   * more over a new connection.
   */
  async call<D extends AnyRequest>(
    address: string,
    definition: D,
    header: HeaderOf<D>,
    options: AskOptions = {},
  ): Promise<Answer<D>> {
    const { patienceMs } = options
    const request = { ...this.#outgoing(definition, header, options.body), patienceMs }
    const command = await this.#request(address, request, options)
    return answerOf(definition, address, command, options.accept ?? [])
  }

  /** Whether requests are signed, which needs their fields one by one. */
  get isSigning(): boolean {
    return this.#parts.credentials !== undefined
  }

  /** As `call`, with the fields as JSON text already; not for who signs. */
  async callWithJson<D extends AnyRequest>(
    address: string,
    definition: D,
    fieldsJson: string,
    options: AskOptions = {},
  ): Promise<Answer<D>> {
    const { code, name } = definition
    const { body } = options
    const request =
      body === undefined ? { code, name, fieldsJson } : { code, name, fieldsJson, body }
    const command = await this.#request(address, request, options)
    return answerOf(definition, address, command, options.accept ?? [])
  }

  /** Asks and waits for an answer of any code. Rejects as `call` does when none came. */
  async #request(
    address: string,
    request: OutgoingRequest,
    options: AskOptions,
  ): Promise<RemotingCommand> {
    const { timeoutMs = this.#parts.timeoutMs, connectMs = timeoutMs } = options
    const { clock } = this.#env
    const begin = clock.monotonic()
    const left = (): number => Math.max(1, timeoutMs - (clock.monotonic() - begin))
    try {
      const connection =
        this.#remoting.existing(address) ??
        (await this.#connection(address, request.name, Math.min(timeoutMs, connectMs)))
      const command = await connection.request(request, left())
      if (command.code !== ResponseCode.GO_AWAY) return command
      this.#remoting.disconnect(address)
      return await (await this.#connection(address, request.name, left())).request(request, left())
    } catch (error) {
      throw this.#explained(error, address, request.name, clock.monotonic() - begin)
    }
  }

  /**
   * Sends a request that wants no answer. Resolves once the broker takes more, which it may not do for the time of a call: who
   * sends many lets others have their turn, and does not gather them all. Rejects with RMQ_CONNECT, RMQ_WRONG_PORT or RMQ_TIMEOUT.
   */
  async oneway<D extends AnyRequest>(
    address: string,
    definition: D,
    header: HeaderOf<D>,
    body?: Uint8Array,
  ): Promise<void> {
    const request = this.#outgoing(definition, header, body)
    const begin = this.#env.clock.monotonic()
    try {
      const connection =
        this.#remoting.existing(address) ??
        (await this.#connection(address, request.name, this.#parts.timeoutMs))
      connection.oneway(request)
      const room = new Promise<void>((resolve) => {
        connection.whenOutput(() => {
          resolve()
          return undefined
        })
      })
      if (connection.isOutputFull) {
        await settledWithin(this.#env.clock, this.#parts.timeoutMs, room)
      } else await room
    } catch (error) {
      const elapsedMs = this.#env.clock.monotonic() - begin
      throw this.#explained(error, address, request.name, elapsedMs)
    }
  }

  /** Sends a request that wants no answer to who asked something over this connection. */
  tell<D extends AnyRequest>(connection: Connection, definition: D, header: HeaderOf<D>): void {
    connection.oneway(this.#outgoing(definition, header, undefined))
  }

  /** Sends what is gathered and closes all connections. */
  close(): void {
    this.#remoting.close()
  }

  async #connection(address: string, what: string, timeoutMs: number): Promise<Connection> {
    const { clock } = this.#env
    const begin = clock.monotonic()
    const late = (): Error => {
      this.#unanswered.add(address)
      const elapsedMs = clock.monotonic() - begin
      return new TimeoutError({ what, phase: 'connect', elapsedMs, address })
    }
    return within(clock, timeoutMs, this.#connect(address), late)
  }

  /** Whoever asks while a connection is being made waits for that one. */
  #connect(address: string): Promise<Connection> {
    const running = this.#connecting.get(address)
    if (running !== undefined) return running
    const connect = (): Promise<Connection> => this.#remoting.connection(address)
    const made = traced(tracing.connection, () => ({ address }), connect)
    this.#connecting.set(address, made)
    const done = (): void => {
      this.#connecting.delete(address)
    }
    made.then(
      () => {
        done()
        this.#unanswered.remove(address)
        this.#parts.connected(address)
      },
      (error: unknown) => {
        done()
        if (isUnanswered(error)) this.#unanswered.add(address)
        else this.#unanswered.remove(address)
        this.#parts.unreachable(address)
      },
    )
    return made
  }

  #outgoing<D extends AnyRequest>(
    definition: D,
    header: HeaderOf<D>,
    body: Uint8Array | undefined,
  ): OutgoingRequest {
    const { code, name } = definition
    const plain = encodeHeader(definition, header)
    const { credentials } = this.#parts
    const fields = credentials === undefined ? plain : signedFields(credentials, plain, body)
    return body === undefined ? { code, name, fields } : { code, name, fields, body }
  }

  /** What the layer below says, in the words of this client; anything else stays as it is. */
  #explained(error: unknown, address: string, what: string, elapsedMs: number): unknown {
    if (error instanceof RequestTimeout) {
      return new TimeoutError({ what, phase: 'wait', elapsedMs, address }, error)
    }
    if (error instanceof ForeignProtocol) {
      return new WrongPortError({ address, protocol: error.values.protocol }, error)
    }
    if (error instanceof ConnectionClosed) {
      return new ConnectionLostError({ address, request: what }, error)
    }
    if (!(error instanceof ConnectFailed)) return error
    const code = hostErrorCode(error.cause)
    if (code === 'ETIMEDOUT' || code === 'ETIMEOUT') {
      const phase = code === 'ETIMEOUT' ? 'resolve' : 'connect'
      return new TimeoutError({ what, phase, elapsedMs, address }, error)
    }
    const advertised = this.#parts.advertised(address)
    return new ConnectError({ address, reason: error.values.reason, advertised }, error)
  }
}

function isUnanswered(error: unknown): boolean {
  return error instanceof ConnectFailed && hostErrorCode(error.cause) === 'ETIMEDOUT'
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
    throw brokerError({ responseCode: code, remark, request: definition.name, address })
  }
  return { code, remark, body, header: () => decodeReply(definition, fields ?? {}) }
}
