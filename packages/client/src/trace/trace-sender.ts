import type { ClientInstance } from '../client-instance.ts'
import { Delivery } from '../producer/delivery.ts'
import { prepareMessage } from '../producer/encode-send.ts'
import { DEFAULTS, TRACE_MS } from '../producer/producer-options.ts'
import { uniqKeys } from '../producer/uniq-key.ts'
import { TRACE_GROUP_PREFIX } from './producer-trace.ts'

/** Sends messages of the trace for a consumer, which has no producer; they are not traced themselves. */
export function traceSender(
  client: ClientInstance,
  group: string,
): (topic: string, body: string, keys: readonly string[]) => Promise<unknown> {
  const { compressOverBytes, maxMessageBytes, maxInFlightBytes, retryTimes } = DEFAULTS
  const nextId = uniqKeys(client.env)
  const delivery = new Delivery({
    client,
    group: TRACE_GROUP_PREFIX + group,
    tries: 1 + retryTimes,
    usesVipChannel: false,
    avoidsSlowBrokers: false,
    maxInFlightBytes,
    route: (topic) => client.routes.forSending(topic),
    knownRoute: (topic) => client.routes.known(topic),
  })
  const encode = { compressOverBytes, maxMessageBytes, namespace: undefined }
  return (topic, body, keys) =>
    delivery.deliver(prepareMessage({ topic, body, keys }, nextId, encode), { timeoutMs: TRACE_MS })
}
