import { Broker, brokerOptions } from '@skylarkmq/broker'
import type { FullBrokerConfig } from '@skylarkmq/broker'
import { NameServer, namesrvOptions } from '@skylarkmq/namesrv'
import { defaultsOf } from '@skylarkmq/protocol'
import type { SimProcess, SimRandom } from '@skylarkmq/env/sim'
import { defaultStoreConfig } from '@skylarkmq/store'
import type { Program } from './machine.ts'
import { BROKER_PORT, NAMESRV_ADDRS, NAMESRV_PORT, ROOT } from './topology.ts'

/** A name server as a program. */
export function nameServerOn({ env }: SimProcess): Program {
  const server = new NameServer(env, {
    ...defaultsOf(namesrvOptions),
    bindAddress: '0.0.0.0',
    listenPort: NAMESRV_PORT,
    kvConfigPath: '/data/kvConfig.json',
  })
  return {
    start: async () => {
      await server.start()
    },
    stop: () => server.stop(),
  }
}

/** Every hour of the day. */
const EVERY_HOUR = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0')).join(';')

/** What a seed decides of a broker; the same over its restarts. */
export function brokerConfig(
  name: string,
  address: string,
  random: SimRandom,
  isSync = random.chance(0.6),
): FullBrokerConfig {
  return {
    ...defaultStoreConfig(ROOT),
    ...defaultsOf(brokerOptions),
    brokerName: name,
    bindAddress: '0.0.0.0',
    listenPort: BROKER_PORT,
    brokerIP1: address,
    namesrvAddr: NAMESRV_ADDRS,
    storePathRootDir: ROOT,
    flushDiskType: isSync ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
    autoCreateTopicEnable: false,
    registerNameServerPeriod: 10_000,
    recallMessageEnable: true,
    messageDelayLevel: '1s 2s 3s 5s 8s',
    transactionTimeOut: random.pick([2000, 6000]),
    transactionCheckInterval: random.pick([1000, 5000]),
    // A transaction that is given up waits for somebody to look at it.
    transactionCheckMax: 1000,
    transactionOpMsgMaxSize: random.pick([8, 4096]),
    mappedFileSizeCommitLog: random.pick([64, 256]) * 1024,
    mappedFileSizeConsumeQueue: random.pick([50, 400]) * 20,
    mappedFileSizeTimerLog: random.pick([1024, 16_384]),
    maxHashSlotNum: 100,
    maxIndexNum: random.pick([100, 400]),
    flushIntervalCommitLog: random.pick([100, 500, 5000]),
    flushConsumerOffsetInterval: random.pick([1000, 5000]),
    logTailMemoryBytes: 256 * 1024,
    readCacheMemoryBytes: 256 * 1024,
    cleanFileForciblyEnable: false,
    deleteWhen: EVERY_HOUR,
    fileReservedTime: 1,
    messageIndexSafe: random.chance(0.3),
  }
}

/** A broker as a program. */
export class BrokerProgram implements Program {
  readonly broker: Broker
  readonly process: SimProcess

  constructor(process: SimProcess, config: FullBrokerConfig) {
    this.process = process
    this.broker = new Broker(process.env, { ...config })
  }

  async start(): Promise<void> {
    this.process.env.disk.makeDirectory(ROOT)
    await this.broker.listen()
    await this.broker.start()
  }

  async stop(): Promise<void> {
    await this.broker.stop()
  }
}
