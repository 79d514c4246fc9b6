import { ResponseCode, type ResponseName } from '@skylarkmq/protocol'

/** What an answer means, what is often behind it, and where to look. */
export interface Meaning {
  readonly means: string
  readonly often?: string
  readonly look?: string
}

const MEANINGS: Partial<Record<ResponseName, Meaning>> = {
  SUCCESS: { means: 'The request was carried out.' },
  SYSTEM_ERROR: {
    means: 'The server could not carry out the request; the remark says why.',
    often:
      'a field that is missing or wrong; a store that cannot write; a request to the wrong broker.',
    look: 'the remark, then the log of the broker',
  },
  SYSTEM_BUSY: {
    means: 'The server is overloaded and did not take the request; clients send it again.',
    often:
      'a slow disk; more requests than the lane takes (…ThreadPoolQueueCapacity, waitTimeMillsIn…Queue).',
    look: 'skylark cluster status',
  },
  REQUEST_CODE_NOT_SUPPORTED: {
    means: 'The server does not know this request.',
    often: 'a name server where a broker was meant, or the other way round; an older version.',
    look: 'skylark cluster status (the version)',
  },
  TRANSACTION_FAILED: { means: 'The half message could not be stored.' },
  FLUSH_DISK_TIMEOUT: {
    means: 'The message is stored, and was not on disk in time (syncFlushTimeout).',
    often: 'a slow disk under flushDiskType=SYNC_FLUSH.',
  },
  SLAVE_NOT_AVAILABLE: {
    means: 'The message is stored, and no slave was near enough to take it.',
    often: 'a slave that is down or far behind, with brokerRole=SYNC_MASTER.',
  },
  FLUSH_SLAVE_TIMEOUT: { means: 'The message is stored, and no slave had it in time.' },
  MESSAGE_ILLEGAL: {
    means: 'The message cannot be stored as it is.',
    often:
      'a body above maxMessageSize (4 MiB); properties above 32 KiB; a topic name with other characters.',
  },
  SERVICE_NOT_AVAILABLE: {
    means: 'The broker takes no messages now; the remark says why.',
    often:
      'a disk that is nearly full (diskSpaceWarningLevelRatio); a slave; a broker that is stopping.',
    look: 'skylark cluster status (the disk)',
  },
  NO_PERMISSION: {
    means: 'It is forbidden; the remark says what.',
    often:
      'the permission of the topic; brokerPermission; a group with consumeEnable=false; access control.',
    look: 'skylark topic route NAME · skylark group describe NAME',
  },
  TOPIC_NOT_EXIST: {
    means: 'The broker or name server has no such topic.',
    often:
      'a typing error; the topic is on another cluster; created a moment ago (routes take up to 30 s); autoCreateTopicEnable=false.',
    look: 'skylark topic list --like NAME',
  },
  PULL_NOT_FOUND: {
    means: 'There is no message at this offset yet; the request may be held until there is one.',
  },
  PULL_RETRY_IMMEDIATELY: {
    means: 'No message here passes the filter; clients ask again from the next offset.',
  },
  PULL_OFFSET_MOVED: {
    means: 'The offset is outside the queue; clients go on from the one that the answer names.',
    often: 'a group that was away longer than messages are kept (fileReservedTime).',
  },
  QUERY_NOT_FOUND: {
    means: 'Nothing was found: no offset of this group, or no message of this key.',
  },
  SUBSCRIPTION_PARSE_FAILED: { means: 'The expression of the subscription cannot be read.' },
  SUBSCRIPTION_NOT_EXIST: {
    means: 'The broker does not know what the group wants of this topic.',
    often: 'members of one group with different subscriptions; a heartbeat that has not come yet.',
    look: 'skylark group check NAME',
  },
  SUBSCRIPTION_NOT_LATEST: {
    means: 'Another member of the group wants something else of this topic.',
    look: 'skylark group check NAME',
  },
  SUBSCRIPTION_GROUP_NOT_EXIST: {
    means: 'The broker has no such group and makes none by itself (autoCreateSubscriptionGroup).',
    look: 'skylark group create NAME',
  },
  INVALID_PARAMETER: { means: 'A field of the request is missing or wrong; the remark names it.' },
  CONSUMER_NOT_ONLINE: {
    means: 'No member of the group is connected to this broker.',
    look: 'skylark group members NAME',
  },
}

/** The meaning of a response code; undefined where nothing more is known than its name. */
export function meaningOf(name: ResponseName): Meaning | undefined {
  return MEANINGS[name]
}

/** The name and number of a response code that is given as either; undefined when there is none. */
export function responseOf(word: string): { name: ResponseName; code: number } | undefined {
  const entries = Object.entries(ResponseCode) as [ResponseName, number][]
  const found = entries.find(([name, code]) => String(code) === word || name === word.toUpperCase())
  return found === undefined ? undefined : { name: found[0], code: found[1] }
}
