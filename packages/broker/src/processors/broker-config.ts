import {
  parsePropertiesText,
  ResponseCode,
  type CleanExpiredConsumequeue,
  type CleanUnusedTopic,
  type DeleteExpiredCommitlog,
  type GetBrokerConfig,
  type UpdateBrokerConfig,
} from '@skylarkmq/protocol'
import { OK, refuse, type Processor } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'

/** UPDATE_BROKER_CONFIG: keys of a properties text, all or none. Apache: `AdminBrokerProcessor.java`, updateBrokerConfig. */
export const updateBrokerConfig: Processor<BrokerContext, typeof UpdateBrokerConfig> = (
  broker,
  { body },
) => {
  if (body === undefined) return OK
  const wanted = parsePropertiesText(body.toString('utf8'))
  const change = broker.liveConfig.change(wanted)
  switch (change.kind) {
    case 'forbidden':
      return refuse(
        ResponseCode.NO_PERMISSION,
        `Can not update config in black list: ${change.key}`,
      )
    case 'bad':
      return refuse(ResponseCode.SYSTEM_ERROR, `${change.key}: ${change.problem}`)
    case 'changed':
      broker.configChanged(change.keys)
      return broker.registration.whenKnown().then(() => OK)
  }
}

/** GET_BROKER_CONFIG: every key of the broker, the store and the network, `key=value` a line. */
export const getBrokerConfig: Processor<BrokerContext, typeof GetBrokerConfig> = (broker) => ({
  code: ResponseCode.SUCCESS,
  header: { version: JSON.stringify(broker.topics.dataVersion) },
  body: Buffer.from(broker.liveConfig.print()),
})

/** DELETE_EXPIRED_COMMITLOG: as if it were the hour of `deleteWhen`. */
export const deleteExpiredCommitlog: Processor<BrokerContext, typeof DeleteExpiredCommitlog> = ({
  store,
}) => {
  store.cleanExpiredCommitLog()
  return OK
}

/** CLEAN_EXPIRED_CONSUMEQUEUE: removes queue files whose messages are gone. */
export const cleanExpiredConsumequeue: Processor<
  BrokerContext,
  typeof CleanExpiredConsumequeue
> = ({ store }) => {
  store.cleanExpiredConsumeQueues()
  return OK
}

/** CLEAN_UNUSED_TOPIC: removes the queues of topics that are gone. */
export const cleanUnusedTopic: Processor<BrokerContext, typeof CleanUnusedTopic> = ({
  store,
  topics,
}) => {
  store.deleteUnusedTopics(new Set(topics.all.keys()))
  return OK
}
