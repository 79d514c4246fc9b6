import type { Env } from '@skylarkmq/env'
import {
  decodeTopicRouteData,
  GetRouteinfoByTopic,
  ResponseCode,
  SkylarkError,
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
import type { Answer, AskOptions, Caller } from './call.ts'

const SILENT =
  'Something takes connections there and does not answer: check that it is a name server (port 9876 as a rule), and that it does not hang.'

/**
 * The name servers of a client: one is chosen by chance and kept until it fails, then the next one is.
 * Apache: `NettyRemotingClient.java`, getAndCreateNameserverChannel.
 */
export class NameServers {
  readonly addresses: readonly string[]
  readonly #caller: Caller
  #current: number

  constructor(env: Env, caller: Caller, addresses: readonly string[]) {
    this.addresses = addresses
    this.#caller = caller
    this.#current = Math.floor(env.random.next() * addresses.length)
  }

  /** Asks one that answers. Rejects with RMQ_NAME_SERVER when none does, or RMQ_BROKER. */
  call<D extends AnyRequest>(
    definition: D,
    header: HeaderOf<D>,
    options: AskOptions = {},
  ): Promise<Answer<D>> {
    return this.#ask(definition, header, options, (answer) => answer)
  }

  /** As `call`, and reads the answer; a name server whose answer cannot be read has not answered. */
  async #ask<D extends AnyRequest, T>(
    definition: D,
    header: HeaderOf<D>,
    options: AskOptions,
    read: (answer: Answer<D>) => T,
  ): Promise<T> {
    let last: SkylarkError | undefined
    let tries = this.addresses.length
    for (let tried = 0; tried < tries; tried++) {
      const at = this.#current
      try {
        return read(await this.#caller.call(this.addresses[at] ?? '', definition, header, options))
      } catch (error) {
        if (error instanceof BrokerError) throw refusal(error)
        if (!(error instanceof SkylarkError)) throw error
        // The old connection of one that was started anew; what it is asked may be asked twice.
        if (error instanceof ConnectionLostError && last === undefined) tries++
        last = error
        if (this.#current === at) this.#current = (at + 1) % this.addresses.length
      }
    }
    if (last instanceof WrongPortError) throw last
    const addresses = this.addresses.join(', ')
    const isRefused = last instanceof ConnectError && last.values.reason === 'ECONNREFUSED'
    const isSilent = last instanceof TimeoutError && last.phase === 'wait'
    const hint = isSilent ? SILENT : last instanceof RocketMQError ? last.hint : undefined
    const advice = isRefused ? undefined : hint
    throw new NameServerError({ addresses, reason: saysOf(last), advice }, last)
  }

  /** Where a topic is; undefined when the name server knows no such topic. Rejects as `call`. */
  route(topic: string): Promise<TopicRouteData | undefined> {
    const accept = [ResponseCode.TOPIC_NOT_EXIST]
    return this.#ask(GetRouteinfoByTopic, { topic }, { accept }, ({ code, body }) =>
      code === ResponseCode.SUCCESS && body !== undefined
        ? checkedRoute(decodeTopicRouteData(body))
        : undefined,
    )
  }
}

/** A broker knows none of the requests that only name servers serve. */
function refusal(error: BrokerError): BrokerError | WrongPortError {
  if (error.responseCode !== ResponseCode.REQUEST_CODE_NOT_SUPPORTED) return error
  return new WrongPortError({ address: error.address, protocol: undefined }, error)
}
