import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { required } from '../schema/fields.ts'
import { groupName, producerGroupName, refusedAs } from '../schema/name-fields.ts'
import { rpcFields } from './common-fields.ts'

/** Lists the clients of a consumer group and what they subscribe to. */
export const GetConsumerConnectionList = defineRequest({
  code: 203,
  name: 'GET_CONSUMER_CONNECTION_LIST',
  doc: 'Lists the clients of a consumer group and what they subscribe to.',
  source: 'GetConsumerConnectionListRequestHeader.java, AdminBrokerProcessor.java',
  refusals: ['CONSUMER_NOT_ONLINE'],
  header: {
    ...rpcFields,
    consumerGroup: required(
      refusedAs(ResponseCode.CONSUMER_NOT_ONLINE, groupName),
      'Group that consumes.',
    ),
  },
  reply: {},
})

/** Lists the clients of a producer group. */
export const GetProducerConnectionList = defineRequest({
  code: 204,
  name: 'GET_PRODUCER_CONNECTION_LIST',
  doc: 'Lists the clients of a producer group.',
  source: 'GetProducerConnectionListRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    producerGroup: required(
      refusedAs(ResponseCode.SYSTEM_ERROR, producerGroupName),
      'Group of the producer.',
    ),
  },
  reply: {},
})

/** Lists all producers. */
export const GetAllProducerInfo = defineRequest({
  code: 328,
  name: 'GET_ALL_PRODUCER_INFO',
  doc: 'Lists all producers.',
  source: 'GetAllProducerInfoRequestHeader.java, AdminBrokerProcessor.java',
  header: {},
  reply: {},
})
