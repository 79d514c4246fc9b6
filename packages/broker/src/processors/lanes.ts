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

type LaneName = keyof typeof LIMITS

const LANE_OF_REQUEST: Readonly<Record<string, LaneName>> = {
  SEND_MESSAGE: 'send',
  SEND_MESSAGE_V2: 'send',
  SEND_BATCH_MESSAGE: 'send',
  CONSUMER_SEND_MSG_BACK: 'send',
  RECALL_MESSAGE: 'send',
  PULL_MESSAGE: 'pull',
  LITE_PULL_MESSAGE: 'litePull',
  ACK_MESSAGE: 'ack',
  QUERY_MESSAGE: 'query',
  VIEW_MESSAGE_BY_ID: 'query',
  SEND_REPLY_MESSAGE: 'reply',
  SEND_REPLY_MESSAGE_V2: 'reply',
  HEART_BEAT: 'heartbeat',
  UNREGISTER_CLIENT: 'clientManage',
  CHECK_CLIENT_CONFIG: 'clientManage',
  GET_CONSUMER_LIST_BY_GROUP: 'consumerManage',
  UPDATE_CONSUMER_OFFSET: 'consumerManage',
  QUERY_CONSUMER_OFFSET: 'consumerManage',
  QUERY_ASSIGNMENT: 'loadBalance',
  SET_MESSAGE_REQUEST_MODE: 'loadBalance',
  END_TRANSACTION: 'endTransaction',
}

/** The requests that store a message of a client; turned away while the disk is too slow. */
const SENDS: ReadonlySet<string> = new Set(
  Object.entries(LANE_OF_REQUEST).flatMap(([request, lane]) => (lane === 'send' ? [request] : [])),
)

/** The lanes of one broker. */
export class BrokerLanes {
  readonly #lanes: Readonly<Record<LaneName, Lane>>
  readonly #busy: () => string | undefined

  /** `busy` says why no message can be taken now; undefined when they can. `config` may change. */
  constructor(config: BrokerConfig, room: WaitingRoom, busy: () => string | undefined) {
    this.#busy = busy
    const made = Object.entries(LIMITS).map(([name, keys]) => {
      const limits = limitsOf(config, keys)
      return [
        name,
        new Lane(name, name === 'send' ? Object.assign(limits, { busy }) : limits, room),
      ]
    })
    this.#lanes = Object.fromEntries(made) as Record<LaneName, Lane>
  }

  /** The lane of a request, by its name. */
  of(request: string): Lane {
    return this.#lanes[LANE_OF_REQUEST[request] ?? 'admin']
  }

  /** What turns a request away, by its name. Apache: `SendMessageProcessor.java`, rejectRequest. */
  gateOf(request: string): (() => string | undefined) | undefined {
    return SENDS.has(request) ? this.#busy : undefined
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
