import type { Env, EventSink } from '@skylarkmq/env'

/** What a process is to run, and where. */
export interface ServerOptions {
  /** Runs a name server; default true. */
  readonly namesrv?: boolean
  /** Runs a broker; default true. */
  readonly broker?: boolean
  /** Address to listen on; default 127.0.0.1, or what the configuration file says. */
  readonly host?: string | undefined
  readonly namesrvPort?: number | undefined
  readonly brokerPort?: number | undefined
  /** Shows metrics on this port, 0 for a free one; undefined leaves it to `metricsExporterType` of the configuration. */
  readonly metricsPort?: number | undefined
  /** Folder of all data; default `./skylark-data`. */
  readonly data?: string | undefined
  /** Keeps everything in memory and forgets it. */
  readonly ephemeral?: boolean | undefined
  /** Apache's broker.conf, or its namesrv.conf where no broker runs. */
  readonly configFile?: string | undefined
  /** Refuses keys that neither Apache nor we have; otherwise each is a warning. */
  readonly strict?: boolean | undefined
  /** `key=value`, each as a line of the configuration file; they come after it. */
  readonly set?: readonly string[] | undefined
  /** Name servers to register with besides one's own, `host:port` joined by `;`. */
  readonly namesrvAddr?: string | undefined
  /** The same where neither that nor the configuration names any; of the environment, as Apache's NAMESRV_ADDR. */
  readonly namesrvAddrOtherwise?: string | undefined
  readonly events: EventSink
  /** Puts something else in the place of parts of the host, for name server and broker each; for tests. */
  readonly env?: ((own: Env) => Env) | undefined
  /** Takes sentences that the operator should read at the start. */
  readonly warn: (sentence: string) => void
}
