import type { Clock, Env } from '@skylarkmq/env'
import {
  clusterInfoBody,
  decodeTopicRouteData,
  GetBrokerClusterInfo,
  GetRouteinfoByTopic,
  ResponseCode,
  SkylarkError,
  type ClusterInfo,
  type HeaderOf,
  type TopicRouteData,
} from '@skylarkmq/protocol'
import type { AnyRequest } from '@skylarkmq/remoting'
import {
  BrokerError,
  ConnectError,
  ConnectionLostError,
  NameServerError,
  RocketMQError,
  saysOf,
  TimeoutError,
  WrongPortError,
} from '../errors.ts'
import { checkedRoute } from '../route/topic-route.ts'
import { askInTurn } from './ask-in-turn.ts'
import type { Answer, AskOptions, Caller } from './call.ts'

const SILENT =
  'Something takes connections there and does not answer: check that it is a name server (port 9876 as a rule), and that it does not hang.'

/** How long a name server is waited for before the next is asked, too, ms. */
const PATIENCE_MS = 1_000

/** What a name server said: an answer, or an error after which the others are no better. */
type Said<T> = { readonly value: T } | { readonly refusal: unknown }

/** How the answers to a question are taken. */
interface Reading<D extends AnyRequest, T> {
  readonly read: (answer: Answer<D>) => T
  /** Whether an answer is one that no other name server knows better. */
  readonly isEnough: (value: T) => boolean
}

/**
 * The name servers of a client: one is chosen by chance and kept until it fails, then the next one is. One that says nothing for
 * a second, or that knows less than is asked for, does not keep the others from being asked, within the time of the
 * call. Apache: `NettyRemotingClient.java`, getAndCreateNameserverChannel.
 */
export class NameServers {
  readonly addresses: readonly string[]
  readonly #clock: Clock
  readonly #caller: Caller
  #current: number

  constructor(env: Env, caller: Caller, addresses: readonly string[]) {
    this.addresses = addresses
    this.#clock = env.clock
    this.#caller = caller
    this.#current = Math.floor(env.random.next() * addresses.length)
  }

  /** Asks one that answers. Rejects with RMQ_NAME_SERVER when none does, or RMQ_BROKER. */
  call<D extends AnyRequest>(
    definition: D,
    header: HeaderOf<D>,
    options: AskOptions = {},
  ): Promise<Answer<D>> {
    const reading = { read: (answer: Answer<D>) => answer, isEnough: () => true }
    return this.#ask(definition, header, options, reading)
  }

  /** As `call`, and reads the answer; a name server whose answer cannot be read has not answered. */
  async #ask<D extends AnyRequest, T>(
    definition: D,
    header: HeaderOf<D>,
    options: AskOptions,
    { read, isEnough }: Reading<D, T>,
  ): Promise<T> {
    const count = this.addresses.length
    const deadline = this.#clock.monotonic() + (options.timeoutMs ?? this.#caller.timeoutMs)
    const ask = async (at: number): Promise<Said<T>> => {
      const timeoutMs = Math.max(1, deadline - this.#clock.monotonic())
      const within = { ...options, timeoutMs }
      try {
        const address = this.addresses[at] ?? ''
        return { value: read(await this.#caller.call(address, definition, header, within)) }
      } catch (error) {
        if (error instanceof BrokerError) return { refusal: refusal(error) }
        if (!(error instanceof SkylarkError)) return { refusal: error }
        if (this.#current === at) this.#current = (at + 1) % count
        throw error
      }
    }
    const said = await askInTurn<Said<T>>({
      clock: this.#clock,
      order: Array.from({ length: count }, (_, i) => (this.#current + i) % count),
      patienceMs: PATIENCE_MS,
      ask,
      isEnough: (each, at) => {
        if ('refusal' in each) return true
        if (!isEnough(each.value)) return false
        this.#current = at
        return true
      },
      // The old connection of one that was restarted; what it is asked may be asked twice.
      isAskedAgain: (error) => error instanceof ConnectionLostError,
    }).catch((error: unknown) => {
      throw this.#explained(error)
    })
    if ('refusal' in said) throw said.refusal
    return said.value
  }

  /** What is said when none answered, the last one for this reason. */
  #explained(last: unknown): unknown {
    if (last instanceof WrongPortError) return last
    const addresses = this.addresses.join(', ')
    const isRefused = last instanceof ConnectError && last.values.reason === 'ECONNREFUSED'
    const isSilent = last instanceof TimeoutError && last.phase === 'wait'
    const hint = isSilent ? SILENT : last instanceof RocketMQError ? last.hint : undefined
    const advice = isRefused ? undefined : hint
    return new NameServerError({ addresses, reason: saysOf(last), advice }, last)
  }

  /** Where a topic is; undefined when no name server knows such a topic. Rejects as `call`. */
  route(topic: string): Promise<TopicRouteData | undefined> {
    const accept = [ResponseCode.TOPIC_NOT_EXIST]
    return this.#ask(
      GetRouteinfoByTopic,
      { topic },
      { accept },
      {
        read: ({ code, body }) =>
          code === ResponseCode.SUCCESS && body !== undefined
            ? checkedRoute(decodeTopicRouteData(body))
            : undefined,
        isEnough: (route) => route !== undefined,
      },
    )
  }

  /** All clusters and brokers; those of a name server that knows any, when one does. Rejects as `call`. */
  clusters(): Promise<ClusterInfo> {
    return this.#ask(
      GetBrokerClusterInfo,
      {},
      {},
      {
        read: ({ body }) => clusterInfoBody.decode(body),
        isEnough: ({ brokerAddrTable }) => brokerAddrTable.size > 0,
      },
    )
  }
}

/** A broker knows none of the requests that only name servers serve. */
function refusal(error: BrokerError): BrokerError | WrongPortError {
  if (error.responseCode !== ResponseCode.REQUEST_CODE_NOT_SUPPORTED) return error
  return new WrongPortError({ address: error.address, protocol: undefined }, error)
}
