import { textOfThrown } from '@skylarkmq/env'
import { ResponseCode, responseName, SkylarkError } from '@skylarkmq/protocol'
import { brokerAdvice } from './broker-advice.ts'
import type { BatchOutcome } from './producer/batch-outcome.ts'

/** One try of a send. */
export interface SendAttempt {
  /** The broker that was to have it. */
  readonly brokerName: string
  /** `host:port` that was tried; undefined when the broker had none to send to. */
  readonly address: string | undefined
  /** How long the try took, ms. */
  readonly elapsedMs: number
  /** Why it failed. */
  readonly error: Error
}

/** What a row of this package's error table says. */
interface Row<V> {
  /** What happened, and where. */
  readonly says: (values: V) => string
  /** What the reader should do, when nothing better is known. */
  readonly does: string
  /** What the reader should do in this case. */
  readonly hint?: (values: V) => string | undefined
  readonly for: 'user' | 'operator' | 'peer'
  /** Whether the same call may do later; default no. */
  readonly retriable?: boolean | ((values: V) => boolean)
}

interface Described {
  readonly address?: string | undefined
  readonly responseCode?: number
  readonly attempts?: readonly SendAttempt[]
}

/**
 * The root of every error of this client. `code` (`RMQ_…`) is for programs and never changes its meaning; `message` is
 * for people: what happened, and what to do.
 */
export class RocketMQError<V extends object = object> extends SkylarkError<V> {
  /** What the reader should do. Part of `message`. */
  readonly hint: string
  /** Whether the same call may do later. */
  readonly retriable: boolean
  /** `host:port` of the other side, where there is one. */
  readonly address: string | undefined
  /** What a broker or a name server answered, see ResponseCode; undefined when none did. */
  readonly responseCode: number | undefined
  /** What was tried, in order; empty unless it was a send that was tried more than once. */
  readonly attempts: readonly SendAttempt[]

  constructor(code: string, row: Row<V>, values: V, cause?: unknown) {
    const hint = row.hint?.(values) ?? row.does
    super(code, `${row.says(values).replace(/\.$/, '')}. ${hint}`, hint, values, cause)
    const { address, responseCode, attempts } = values as Described
    this.hint = hint
    this.address = address
    this.responseCode = responseCode
    this.attempts = attempts ?? []
    this.retriable =
      typeof row.retriable === 'function' ? row.retriable(values) : (row.retriable ?? false)
  }

  /** Name of the response code, such as `TOPIC_NOT_EXIST`; undefined when nobody answered. */
  get responseName(): string | undefined {
    return this.responseCode === undefined ? undefined : responseName(this.responseCode)
  }
}

interface RowClass<V extends object> {
  new (values: V, cause?: unknown): RocketMQError<V>
  readonly code: string
  readonly row: Row<V>
}

function define<V extends object>(code: string, row: Row<V>): RowClass<V> {
  return class extends RocketMQError<V> {
    static readonly code = code
    static readonly row = row
    constructor(values: V, cause?: unknown) {
      super(code, row, values, cause)
    }
  }
}

/** What a broker or a name server said when it did not do what was asked. */
export interface BrokerAnswer {
  /** See ResponseCode. */
  readonly responseCode: number
  /** What it said, in its own words. */
  readonly remark: string
  /** Name of the request. */
  readonly request: string
  /** `host:port` of who said it. */
  readonly address: string
}

/** Answers after which another try, best on another broker, may do. Apache: `DefaultMQProducer.java`. */
const RETRIED: ReadonlySet<number> = new Set([
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.NO_PERMISSION,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.GO_AWAY,
])

const answered = (v: BrokerAnswer): string =>
  `${v.address} answered ${v.request} with ${responseName(v.responseCode)} (${v.responseCode}): ${v.remark}`

const broker: Row<BrokerAnswer> = {
  says: answered,
  does: 'Look at responseName, which programs may match on, and at the remark.',
  hint: brokerAdvice,
  for: 'user',
  retriable: (v) => RETRIED.has(v.responseCode),
}

/** A broker or a name server answered that it did not do what was asked. */
export class BrokerError extends RocketMQError<BrokerAnswer> implements BrokerAnswer {
  static readonly code: string = 'RMQ_BROKER'
  static readonly row: Row<BrokerAnswer> = broker
  declare readonly responseCode: number
  declare readonly address: string

  constructor(answer: BrokerAnswer, cause?: unknown, kind: RowOf<BrokerAnswer> = BrokerError) {
    super(kind.code, kind.row, answer, cause)
  }

  /** Name of the response code, such as `TOPIC_NOT_EXIST`. */
  override get responseName(): string {
    return responseName(this.values.responseCode)
  }

  /** What it said, in its own words. */
  get remark(): string {
    return this.values.remark
  }

  /** Name of the request. */
  get request(): string {
    return this.values.request
  }
}

type RowOf<V> = { readonly code: string; readonly row: Row<V> }

/** A broker takes no more for the moment. */
export class FlowControlError extends BrokerError {
  static override readonly code = 'RMQ_FLOW_CONTROL'
  static override readonly row: Row<BrokerAnswer> = {
    ...broker,
    hint: () => undefined,
    does: 'The broker is overloaded or its disk is slow or full, the remark says which. Send less at a time, or try again later.',
    for: 'operator',
    retriable: true,
  }

  constructor(answer: BrokerAnswer, cause?: unknown) {
    super(answer, cause, FlowControlError)
  }
}

/** Who asked may not do this, or has not shown who it is. */
export class AuthError extends BrokerError {
  static override readonly code = 'RMQ_AUTH'
  static override readonly row: Row<BrokerAnswer> = {
    ...broker,
    hint: () => undefined,
    does: 'Give the options accessKey and secretKey of an account that may do this; the remark says what was missing. They must be those of the broker: plain_acl.yml, or mqadmin listUser.',
    retriable: false,
  }

  constructor(answer: BrokerAnswer, cause?: unknown) {
    super(answer, cause, AuthError)
  }
}

/** The error of an answer. Apache's access control answers with SYSTEM_ERROR or NO_PERMISSION, and its words. */
export function brokerError(answer: BrokerAnswer): BrokerError {
  const { responseCode, remark } = answer
  if (responseCode === ResponseCode.SYSTEM_BUSY || responseCode === ResponseCode.FLOW_CONTROL) {
    return new FlowControlError(answer)
  }
  const isDenied =
    responseCode === ResponseCode.NO_PERMISSION || responseCode === ResponseCode.SYSTEM_ERROR
  if (
    isDenied &&
    /AclException|AuthenticationException|AuthorizationException|access ?key|signature|username/i.test(
      remark,
    )
  ) {
    return new AuthError(answer)
  }
  return new BrokerError(answer)
}

/** None of the name servers answered. */
export class NameServerError extends define<{
  addresses: string
  reason: string
  /** What to do, when something else than starting one helps. */
  advice?: string | undefined
}>('RMQ_NAME_SERVER', {
  says: (v) => `no name server answers at ${v.addresses}: ${v.reason}`,
  hint: (v) => v.advice,
  does: 'Start one with `skylark start`, or give the right address: the option nameServers, NAMESRV_ADDR, or `-n host:port` of the command.',
  for: 'user',
  retriable: true,
}) {}

/** No broker has the topic, or none that may be used for what was asked. */
export class RouteNotFoundError extends define<{
  topic: string
  /** What was found out, as sentences joined by semicolons. */
  reason: string
  /** Topics with a name like it. */
  similar?: readonly string[]
  /** What to do about it. */
  advice?: string
}>('RMQ_TOPIC_NOT_FOUND', {
  says: (v) => (v.topic === '' ? v.reason : `the topic ${v.topic} has no route: ${v.reason}`),
  does: 'Create the topic, send a message where brokers create topics by themselves, or check that its broker runs and is registered with this name server.',
  hint: (v) => {
    const similar = v.similar ?? []
    if (similar.length === 0) return v.advice
    return `Did you mean ${similar.join(' or ')}? ${v.advice ?? ''}`.trimEnd()
  },
  for: 'user',
}) {}

/** Who told this client of an address. */
export interface Advertised {
  /** The broker that has the address. */
  readonly brokerName: string
  /** Its cluster. */
  readonly cluster: string
  /** Name servers that have it from the broker. */
  readonly nameServers: string
  /** Whether this client has been connected to it before. */
  readonly wasReached: boolean
}

/** A connection could not be made. */
export class ConnectError extends define<{
  address: string
  /** The host's code, such as `ECONNREFUSED`, or a sentence. */
  reason: string
  advertised?: Advertised | undefined
}>('RMQ_CONNECT', {
  says: (v) => {
    const from = v.advertised
    const told =
      from === undefined
        ? ''
        : `; the broker ${from.brokerName} of ${from.cluster} told the name server (${from.nameServers}) that clients reach it there`
    return `cannot connect to ${v.address}: ${v.reason}${told}`
  },
  does: 'Check that the process runs, that the address is right, and that no firewall is between.',
  hint: (v) => connectAdvice(v.reason, v.advertised),
  for: 'user',
  retriable: true,
}) {}

function connectAdvice(reason: string, advertised: Advertised | undefined): string | undefined {
  if (/CERT|TLS|SSL/.test(reason)) {
    return 'Give the option tls the certificates to trust ({ ca }) and the name in them ({ servername }), or, for a trial, { rejectUnauthorized: false }.'
  }
  if (/^(ENOTFOUND|EAI_)/.test(reason)) {
    return 'This host’s resolver does not know the name: check how it is spelt, and whether it is one of another network (a container’s, say).'
  }
  if (advertised === undefined) return undefined
  const { brokerName, wasReached } = advertised
  if (wasReached) {
    return `${brokerName} was reached there before: look whether it runs, or was moved to another address.`
  }
  return `If ${brokerName} runs, it tells an address that this host does not reach (a container's, say): set brokerIP1 in its broker.conf to one that clients reach, and restart it.`
}

/** A connection ended before the answer came; whether the other side did what was asked is not known. */
export class ConnectionLostError extends define<{ address: string; request: string }>(
  'RMQ_CONNECTION_LOST',
  {
    says: (v) => `the connection to ${v.address} closed before ${v.request} was answered`,
    does: 'The request may or may not have taken effect. If it is always so, the port is not that of a broker or a name server, or it wants TLS (the option tls).',
    for: 'user',
    retriable: true,
  },
) {}

/** Something answered that is neither a broker nor a name server. */
export class WrongPortError extends define<{
  address: string
  /** What it speaks; undefined for a broker where a name server was looked for. */
  protocol: string | undefined
}>('RMQ_WRONG_PORT', {
  says: (v) =>
    v.protocol === undefined
      ? `${v.address} is a broker, not a name server`
      : `${v.address} speaks ${v.protocol}, not RocketMQ's remoting protocol`,
  does: 'This client wants the port of a name server (9876 as a rule), not the one of the gRPC proxy (8081), the dashboard (8080) or the metrics.',
  hint: (v) => {
    if (v.protocol === 'TLS') return 'The port wants TLS: give the option tls.'
    if (v.protocol !== undefined) return undefined
    return 'Give the address of its name server (port 9876 as a rule): brokers are found through that.'
  },
  for: 'user',
}) {}

/**
 * What a call was doing when its time was over: looking up a host's name, connecting, reading the route of a topic,
 * waiting until it may write, or waiting for the answer.
 */
export type TimeoutPhase = 'resolve' | 'connect' | 'route' | 'write' | 'wait'

const PHASE_SAYS: Readonly<Record<TimeoutPhase, string>> = {
  resolve: 'the name was not resolved',
  connect: 'no connection was made',
  route: 'no name server said where the topic is',
  write: 'more bytes than maxInFlightBytes waited for their answers',
  wait: 'no answer came',
}
const PHASE_DOES: Readonly<Record<TimeoutPhase, string>> = {
  resolve: 'Check the name and this host’s resolver.',
  connect:
    'A firewall between, or a host that is off, looks like this. Check that the address is reached from here; a broker tells its own by brokerIP1.',
  route:
    'Check that the name server runs and answers: mqadmin clusterList -n HOST:PORT, or mq.admin().brokers.clusters().',
  write:
    'The broker is slower than this program sends: wait for sends before sending more, or raise maxInFlightBytes.',
  wait: 'The request may or may not have taken effect. The broker may be overloaded, or its disk slow; give it more time by the option timeout.',
}

/** The time of a call was over. */
export class TimeoutError extends define<{
  /** What was called, such as `SEND_MESSAGE_V2`. */
  what: string
  phase: TimeoutPhase
  elapsedMs: number
  address?: string | undefined
  /** What to do, when it is not what the phase suggests. */
  advice?: string
}>('RMQ_TIMEOUT', {
  says: (v) => {
    const at = v.address === undefined ? '' : ` to ${v.address}`
    return `${v.what}${at} timed out after ${Math.round(v.elapsedMs)} ms: ${PHASE_SAYS[v.phase]}`
  },
  does: 'What was being done is in `phase`; the request may or may not have taken effect.',
  hint: (v) => v.advice ?? PHASE_DOES[v.phase],
  for: 'user',
  retriable: true,
}) {
  /** What the call was doing. */
  get phase(): TimeoutPhase {
    return this.values.phase
  }

  /** How long it took, ms. */
  get elapsedMs(): number {
    return this.values.elapsedMs
  }
}

/** A message that no broker would take. */
export class MessageError extends define<{ problem: string }>('RMQ_MESSAGE', {
  says: (v) => v.problem,
  does: 'Nothing was sent. Correct the message.',
  for: 'user',
}) {}

/** A compressed body that becomes larger than the client takes. */
export class BodyTooLargeError extends define<{ topic: string; msgId: string; bytesMax: number }>(
  'RMQ_BODY_TOO_LARGE',
  {
    says: (v) =>
      `the body of the message ${v.msgId} of ${v.topic} becomes more than ${v.bytesMax} bytes when it is decompressed`,
    does: 'It counts as a message that could not be consumed. If it is to be taken, give the client a larger maxBodyBytes.',
    for: 'user',
  },
) {}

/** A body that cannot be encoded, decoded, or does not fit its schema. */
export class SerdeError extends define<{ topic: string; problem: string }>('RMQ_SERDE', {
  says: (v) => `the body of a message of ${v.topic} is not what the serde expects: ${v.problem}`,
  does: 'Correct the sender or the schema; a consumer decides by onInvalid what becomes of such messages.',
  for: 'user',
}) {}

/** An option that cannot be used. */
export class OptionError extends define<{
  option: string
  problem: string
  /** What to do, when it is known. */
  advice?: string | undefined
}>('RMQ_OPTION', {
  says: (v) => `the option ${v.option} cannot be used: ${v.problem}`,
  does: 'Nothing was started. Correct the option.',
  hint: (v) => v.advice,
  for: 'user',
}) {}

/** The client was closed before, or has been started already. */
export class ClosedError extends define<{
  what: string
  /** It is not closed: it was started before. */
  isStarted?: boolean
}>('RMQ_CLOSED', {
  says: (v) => `${v.what} ${v.isStarted === true ? 'runs already' : 'is closed'}`,
  does: 'Make a new one.',
  hint: (v) => (v.isStarted === true ? 'Each is run once: make another one.' : undefined),
  for: 'user',
}) {}

/** A send got no good answer within its time, whatever was tried. */
export class SendError extends define<{ topic: string; attempts: readonly SendAttempt[] }>(
  'RMQ_SEND',
  {
    says: (v) =>
      `the message for ${v.topic} was not acknowledged after ${v.attempts.length} tries (${attemptsText(v.attempts)})`,
    does: 'See `attempts` for the reasons. The message may have been stored all the same, if an answer was lost.',
    hint: (v) => {
      const last = v.attempts.at(-1)?.error
      return last instanceof RocketMQError ? last.hint : undefined
    },
    for: 'user',
    retriable: true,
  },
) {}

/** Each try with its reason; a reason that several had is told once. */
function attemptsText(attempts: readonly SendAttempt[]): string {
  const byReason = new Map<string, string[]>()
  for (const { brokerName, address, elapsedMs, error } of attempts) {
    const says = saysOf(error)
    const where = address === undefined || says.includes(address) ? '' : ` at ${address}`
    const tries = byReason.get(says) ?? []
    byReason.set(says, [...tries, `${brokerName}${where} after ${Math.round(elapsedMs)} ms`])
  }
  return [...byReason].map(([says, tries]) => `${tries.join(', ')}: ${says}`).join('; ')
}

/** Some parts of a batch are stored, and one failed: `values` names the messages by their places in the batch. */
export class BatchError extends define<BatchOutcome>('RMQ_BATCH', {
  says: (v) =>
    `of the batch for ${v.topic} ${v.stored.length} messages are stored, ${v.failed.length + v.unsent.length} are not: ${v.reason}`,
  does: 'Send those of values.failed and values.unsent again, and not those of values.stored; of values.failed some may be stored, if an answer was lost.',
  for: 'user',
}) {}

/** A message is stored, but not as safe as `require: 'SEND_OK'` wants it. */
export class StatusError extends define<{ status: string; msgId: string; brokerName: string }>(
  'RMQ_STATUS',
  {
    says: (v) => `the message ${v.msgId} is stored on ${v.brokerName}, but with ${v.status}`,
    does: 'It may be lost if that broker dies now. Sending it again stores it twice.',
    hint: (v) =>
      v.status === 'FLUSH_DISK_TIMEOUT'
        ? 'It was not on disk in time: the disk is slow. Sending it again stores it twice.'
        : 'Its slave has not got it: look whether the slave runs and keeps up. Sending it again stores it twice.',
    for: 'operator',
  },
) {}

/** A dead letter could not be sent again. */
export class ReplayError extends define<{
  group: string
  msgId: string
  replayed: number
  reason: string
}>('RMQ_REPLAY', {
  says: (v) => `the dead letter ${v.msgId} of ${v.group} could not be sent again: ${v.reason}`,
  does: 'Those before it were sent.',
  hint: (v) =>
    `${v.replayed} before it were sent; a filter that leaves them out sends none of them twice.`,
  for: 'user',
}) {}

/** What happened, without what to do about it. Never throws, whatever was thrown. */
export function saysOf(error: unknown): string {
  try {
    if (error instanceof RocketMQError) {
      return error.message.slice(0, -error.hint.length).trimEnd().replace(/\.$/, '')
    }
  } catch {
    // A Proxy that cannot even be asked what it is.
  }
  return textOfThrown(error)
}
