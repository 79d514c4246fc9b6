import { createUniqKey, javaHash, monthStartMs } from '@skylarkmq/protocol'
import type { BrokerContext } from '../broker-context.ts'

const counters = new WeakMap<BrokerContext, number>()

/** A unique id for a message whose producer gave it none. Apache: `MessageClientIDSetter.java`. */
export function uniqKey(broker: BrokerContext): string {
  const counter =
    ((counters.get(broker) ?? Math.floor(broker.env.random.next() * 0x10000)) + 1) & 0xffff
  counters.set(broker, counter)
  const now = broker.env.clock.now()
  const { address, port } = broker.config.storeHost
  return createUniqKey({
    host: address,
    pid: port,
    hash: javaHash(broker.config.brokerName),
    sinceMonthStartMs: now - monthStartMs(now),
    counter,
  })
}
