import { Lane, type LaneLimits, type WaitingRoom } from '@skylarkmq/remoting'
import type { BrokerConfig } from '../options.ts'

/** Each kind of request, and the options that limit it. Apache: `BrokerController.java`, initializeResources. */
const LIMITS = {
  send: {
    unanswered: 'putThreadPoolQueueCapacity',
    queued: 'sendThreadPoolQueueCapacity',
    waitMs: 'waitTimeMillsInSendQueue',
  },
  pull: { queued: 'pullThreadPoolQueueCapacity', waitMs: 'waitTimeMillsInPullQueue' },
  litePull: { queued: 'litePullThreadPoolQueueCapacity', waitMs: 'waitTimeMillsInLitePullQueue' },
  ack: { queued: 'ackThreadPoolQueueCapacity', waitMs: 'waitTimeMillsInAckQueue' },
  query: { queued: 'queryThreadPoolQueueCapacity' },
  reply: { queued: 'replyThreadPoolQueueCapacity' },
  heartbeat: {
    queued: 'heartbeatThreadPoolQueueCapacity',
    waitMs: 'waitTimeMillsInHeartbeatQueue',
  },
  endTransaction: {
    queued: 'endTransactionPoolQueueCapacity',
    waitMs: 'waitTimeMillsInTransactionQueue',
  },
  clientManage: { queued: 'clientManagerThreadPoolQueueCapacity' },
  consumerManage: { queued: 'consumerManagerThreadPoolQueueCapacity' },
  loadBalance: { queued: 'loadBalanceThreadPoolQueueCapacity' },
  admin: {
    queued: 'adminBrokerThreadPoolQueueCapacity',
    waitMs: 'waitTimeMillsInAdminBrokerQueue',
  },
} as const satisfies Record<string, LimitKeys>

interface LimitKeys {
  /** How many may be without an answer; as many as may be queued when it is not said. */
  readonly unanswered?: keyof BrokerConfig
  readonly queued: keyof BrokerConfig
  readonly waitMs?: keyof BrokerConfig
}

/** The kinds of requests. */
export type LaneName = keyof typeof LIMITS

/** The lanes of one broker. */
export class BrokerLanes {
  readonly #lanes: Readonly<Record<LaneName, Lane>>

  /** `busy` says why no message can be taken now; undefined when they can. `config` may change. */
  constructor(config: BrokerConfig, room: WaitingRoom, busy: () => string | undefined) {
    const made = Object.entries(LIMITS).map(([name, keys]) => {
      const limits = limitsOf(config, keys)
      return [
        name,
        new Lane(name, name === 'send' ? Object.assign(limits, { busy }) : limits, room),
      ]
    })
    this.#lanes = Object.fromEntries(made) as Record<LaneName, Lane>
  }

  of(name: LaneName): Lane {
    return this.#lanes[name]
  }
}

function limitsOf(config: BrokerConfig, keys: LimitKeys): LaneLimits {
  const { unanswered = keys.queued, queued, waitMs } = keys
  return {
    get unanswered() {
      return config[unanswered] as number
    },
    get queued() {
      return config[queued] as number
    },
    get waitMs() {
      return waitMs === undefined ? Infinity : (config[waitMs] as number)
    },
  }
}
