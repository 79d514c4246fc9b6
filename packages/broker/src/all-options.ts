import type { OptionTable } from '@skylarkmq/protocol'
import { storeOptions, type StoreConfig } from '@skylarkmq/store'
import { brokerOptions, type BrokerConfig } from './options.ts'

/** Every option of a broker: its own and its store's. */
export const allBrokerOptions = { ...brokerOptions, ...storeOptions } satisfies OptionTable

/** Values of all options of a broker. */
export type FullBrokerConfig = BrokerConfig & StoreConfig
