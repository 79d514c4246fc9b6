import { defineRequest } from '../schema/define-request.ts'
import { optional, orElse, string } from '../schema/fields.ts'
import { clientIdName, groupName, producerGroupName } from '../schema/name-fields.ts'
import { rpcFields } from './common-fields.ts'

/** A client tells who it is: its groups and subscriptions, in the body. */
export const HeartBeat = defineRequest({
  code: 34,
  name: 'HEART_BEAT',
  doc: 'A client tells who it is: its groups and subscriptions, in the body.',
  source: 'HeartbeatRequestHeader.java, ClientManageProcessor.java',
  header: {
    ...rpcFields,
  },
  reply: {
    IS_SUPPORT_HEART_BEAT_V2: optional(
      string,
      'true: the broker understands heartbeats without subscriptions.',
    ),
    IS_SUB_CHANGE: optional(string, 'Whether the broker had other subscriptions.'),
  },
})

/** A client leaves its groups. */
export const UnregisterClient = defineRequest({
  code: 35,
  name: 'UNREGISTER_CLIENT',
  doc: 'A client leaves its groups.',
  source: 'UnregisterClientRequestHeader.java, ClientManageProcessor.java',
  header: {
    ...rpcFields,
    clientID: orElse(clientIdName, '', 'Id of the client, unique in its group.'),
    producerGroup: optional(producerGroupName, 'Group of the producer.'),
    consumerGroup: optional(groupName, 'Group that consumes.'),
  },
  reply: {},
})

/** Asks whether the broker can serve a subscription, which is in the body. */
export const CheckClientConfig = defineRequest({
  code: 46,
  name: 'CHECK_CLIENT_CONFIG',
  doc: 'Asks whether the broker can serve a subscription, which is in the body.',
  source: 'ClientManageProcessor.java',
  refusals: ['SUBSCRIPTION_PARSE_FAILED'],
  header: {},
  reply: {},
})
