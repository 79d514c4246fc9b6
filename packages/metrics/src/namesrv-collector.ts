import type { NameServer } from '@skylarkmq/namesrv'
import type { RequestTimes } from '@skylarkmq/remoting'
import { labels, single, type Collector, type Sample } from './family.ts'

/** A name server. Apache's exports nothing: the names are ours. */
export function namesrvCollector(server: NameServer, times: RequestTimes): Collector {
  return function* () {
    const { routes } = server
    let members = 0
    for (const group of routes.brokers.values()) members += group.members.size
    const one = (name: string, help: string, value: number) =>
      single(`skylark_namesrv_${name}`, 'gauge', help, '', value)
    yield one('clusters', 'Clusters with a broker.', routes.clusters.size)
    yield one('broker_names', 'Names of brokers; master and slaves share one.', routes.brokers.size)
    yield one('brokers', 'Brokers that are registered.', members)
    yield one('topics', 'Topics that a broker has.', routes.topics.size)
    yield one('open_connections', 'Open connections.', server.connectionCount)
    yield {
      name: 'skylark_namesrv_request_seconds',
      type: 'histogram',
      help: 'From a request to its answer.',
      scale: 0.001,
      samples: samplesOf(times),
    }
  }
}

function* samplesOf(times: RequestTimes): Iterable<Sample> {
  for (const { request, response, times: histogram } of times.all)
    yield [labels({ request_code: request, response_code: response }), histogram]
}
