import type { Env } from '@skylarkmq/env'
import type { KvConfig } from './kv-config.ts'
import type { NamesrvConfig } from './options.ts'
import type { Departure, RouteTable } from './route-table.ts'

/** The parts of a name server that its processors use. */
export interface NameServerContext {
  readonly env: Env
  /** Live options change in place. */
  readonly config: NamesrvConfig
  readonly routes: RouteTable
  readonly kv: KvConfig
  /** Start time, ms since 1970. */
  readonly startedMs: number
  /** A member left its group: notifies the others if the least id changed. */
  departed(departure: Departure | undefined): void
  /** The least id changed: notifies the others of the group. */
  newMinId(brokerName: string, id: number): void
}
