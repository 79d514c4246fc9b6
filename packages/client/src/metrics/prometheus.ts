import type { HistogramSnapshot } from './histogram.ts'
import type { ConsumerMetrics, MetricsSnapshot, SendMetrics } from './snapshot.ts'

type Labels = Readonly<Record<string, string>>

/** One name with its samples. */
class Family {
  readonly #name: string
  readonly #head: string
  readonly #lines: string[] = []

  constructor(name: string, type: 'counter' | 'gauge' | 'histogram', help: string) {
    this.#name = name
    this.#head = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  }

  add(labels: Labels, value: number): void {
    this.#lines.push(`${this.#name}${labelText(labels)} ${value}\n`)
  }

  histogram(labels: Labels, { count, sum, buckets }: HistogramSnapshot): void {
    const all = [...buckets, { le: '+Inf', count }]
    for (const each of all) {
      const text = labelText({ ...labels, le: String(each.le) })
      this.#lines.push(`${this.#name}_bucket${text} ${each.count}\n`)
    }
    this.#lines.push(`${this.#name}_sum${labelText(labels)} ${sum}\n`)
    this.#lines.push(`${this.#name}_count${labelText(labels)} ${count}\n`)
  }

  get text(): string {
    return this.#lines.length === 0 ? '' : this.#head + this.#lines.join('')
  }
}

/**
 * What clients have done, as Prometheus reads it (text format 0.0.4). Names and labels are those of Apache's 5.x clients where
 * they have them, with the unit behind, as Apache's exporter writes it.
 */
export function prometheusText(...snapshots: readonly MetricsSnapshot[]): string {
  return [...sends(snapshots), ...consumers(snapshots), ...connections(snapshots)]
    .map(({ text }) => text)
    .join('')
}

function sends(snapshots: readonly MetricsSnapshot[]): Family[] {
  const took = new Family(
    ...(['rocketmq_send_cost_time_milliseconds', 'histogram'] as const),
    'Time of tries to send that were stored',
  )
  const success = counter('rocketmq_send_success_total', 'Requests to send that were stored')
  const failure = counter('rocketmq_send_failure_total', 'Requests to send that were not')
  const plain: [Family, (of: SendMetrics) => number][] = [
    [counter('rocketmq_send_messages_total', 'Messages that were stored'), (of) => of.messages],
    [counter('rocketmq_send_bytes_total', 'Bytes of bodies that were sent'), (of) => of.bytes],
    [counter('rocketmq_send_oneway_total', 'Messages that were sent one-way'), (of) => of.oneway],
    [counter('rocketmq_send_retries_total', 'Tries after the first one'), (of) => of.retries],
  ]
  for (const { clientId, sends: all } of snapshots) {
    for (const each of all) {
      const labels = { topic: each.topic, client_id: clientId }
      took.histogram({ ...labels, invocation_status: 'success' }, each.tookMs)
      for (const [status, count] of Object.entries(each.statuses))
        success.add({ ...labels, status }, count)
      for (const [code, count] of Object.entries(each.failures))
        failure.add({ ...labels, code }, count)
      for (const [family, valueOf] of plain) family.add(labels, valueOf(each))
    }
  }
  return [took, success, failure, ...plain.map(([family]) => family)]
}

function consumers(snapshots: readonly MetricsSnapshot[]): Family[] {
  const took = new Family(
    ...(['rocketmq_process_time_milliseconds', 'histogram'] as const),
    'Time of handlers',
  )
  const running = gauge('rocketmq_consumer_running_handlers', 'Handlers that run')
  const plain = consumerFamilies()
  for (const { clientId, consumers: all, groups } of snapshots) {
    for (const { group, running: count } of groups)
      running.add({ client_id: clientId, consumer_group: group }, count)
    for (const each of all) {
      const labels = { topic: each.topic, client_id: clientId, consumer_group: each.group }
      took.histogram({ ...labels, invocation_status: 'success' }, each.consumedMs)
      took.histogram({ ...labels, invocation_status: 'failure' }, each.failedMs)
      for (const [family, valueOf] of plain) family.add(labels, valueOf(each))
    }
  }
  return [took, running, ...plain.map(([family]) => family)]
}

function consumerFamilies(): [Family, (of: ConsumerMetrics) => number][] {
  return [
    [counter('rocketmq_pulls_total', 'Pulls that were answered'), (of) => of.pulls],
    [counter('rocketmq_pull_failures_total', 'Pulls that were not'), (of) => of.failedPulls],
    [counter('rocketmq_received_messages_total', 'Messages pulled'), (of) => of.received],
    [
      counter('rocketmq_sent_back_messages_total', 'Messages given back, to come again'),
      (of) => of.sentBack,
    ],
    [
      counter('rocketmq_dead_letter_messages_total', 'Messages given back as dead letters'),
      (of) => of.deadLetters,
    ],
    [
      gauge('rocketmq_consumer_cached_messages', 'Messages pulled and not consumed'),
      (of) => of.waiting,
    ],
    [gauge('rocketmq_consumer_cached_bytes', 'Bytes of their bodies'), (of) => of.waitingBytes],
    [
      gauge('rocketmq_consumer_member_lag_messages', 'Messages not consumed, as of the last pulls'),
      (of) => of.lag,
    ],
  ]
}

function connections(snapshots: readonly MetricsSnapshot[]): Family[] {
  const open = gauge('rocketmq_client_connections', 'Connections to name servers and brokers')
  const made = counter('rocketmq_client_connects_total', 'Connections made')
  const again = counter('rocketmq_client_reconnects_total', 'Those to an address once connected to')
  const failed = counter('rocketmq_client_connect_failures_total', 'Connections not made')
  const lost = counter('rocketmq_client_lost_connections_total', 'Connections that were lost')
  for (const { clientId, connections: of } of snapshots) {
    const labels = { client_id: clientId }
    open.add(labels, of.open)
    made.add(labels, of.made)
    again.add(labels, of.reconnects)
    failed.add(labels, of.failed)
    lost.add(labels, of.lost)
  }
  return [open, made, again, failed, lost]
}

function counter(name: string, help: string): Family {
  return new Family(name, 'counter', help)
}

function gauge(name: string, help: string): Family {
  return new Family(name, 'gauge', help)
}

function labelText(labels: Labels): string {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return `{${all.join(',')}}`
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}
