import type { Env } from '@skylarkmq/env'
import type { KvConfig } from './kv-config.ts'
import type { NamesrvConfig } from './options.ts'
import type { Departure, RouteTable } from './route-table.ts'

/** The parts of a name server, as its processors see them. */
export interface NameServerContext {
  readonly env: Env
  /** Live options change in it. */
  readonly config: NamesrvConfig
  readonly routes: RouteTable
  readonly kv: KvConfig
  /** Ms since 1970 at which it began. */
  readonly startedMs: number
  /** A member left its group: tells the others if the least id changed. */
  departed(departure: Departure | undefined): void
  /** A new least id: tells the others of the group. */
  newMinId(brokerName: string, id: number): void
}
