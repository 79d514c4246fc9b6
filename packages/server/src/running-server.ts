import type { Broker } from '@skylarkmq/broker'
import type { EventSink } from '@skylarkmq/env'

/** A running process: what it serves and how to stop it. */
export interface RunningServer {
  /** `host:port` of the name server; undefined when none runs. */
  readonly namesrvAddr: string | undefined
  /** `host:port` of the broker as clients are told; undefined when none runs. */
  readonly brokerAddr: string | undefined
  readonly namesrvPort: number | undefined
  readonly brokerPort: number | undefined
  readonly fastPort: number | undefined
  /** Port of the metrics; undefined when they are not shown, or another program has the port. */
  readonly metricsPort: number | undefined
  readonly dataDirectory: string | undefined
  readonly brokerName: string | undefined
  /** Address that the ports listen on. */
  readonly bindAddress: string
  /** The broker's parts, for programs that embed it. */
  readonly broker: Broker | undefined
  /** Has `sink` hear the events of this process, besides `ServerOptions.events`; call what is returned to end that. */
  onEvent(sink: EventSink): () => void
  /** Leaves the routes, writes everything down and closes. Safe to call twice. */
  stop(): Promise<void>
}
