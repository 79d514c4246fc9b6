import { clients } from './broker/client-collectors.ts'
import { lagging } from './broker/lag-collectors.ts'
import { incoming, outcomes, outgoing } from './broker/message-collectors.ts'
import { requests } from './broker/request-collectors.ts'
import type { BrokerSource } from './broker/source.ts'
import { storage } from './broker/store-collectors.ts'
import type { Collector } from './family.ts'

/** All series of a broker: Apache 5's as a scrape shows them, then our own, which begin with `skylark_`. */
export function brokerCollectors(source: BrokerSource): readonly Collector[] {
  return [requests, clients, incoming, outgoing, outcomes, lagging, storage].map((each) =>
    each(source),
  )
}
