export type { BrokerControl } from './broker-control.ts'
export type { NetworkControl } from './network.ts'
export * from './start-server.ts'
export type { TestClock } from './movable-clock.ts'
