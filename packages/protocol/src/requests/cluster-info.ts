import { defineRequest } from '../schema/define-request.ts'

/** Asks for all clusters and brokers. */
export const GetBrokerClusterInfo = defineRequest({
  code: 106,
  name: 'GET_BROKER_CLUSTER_INFO',
  doc: 'Asks for all clusters and brokers.',
  source: 'DefaultRequestProcessor.java',
  header: {},
  reply: {},
})
