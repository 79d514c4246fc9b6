import type { namesrvRequests } from '@skylarkmq/protocol'
import type { ServiceTable } from '@skylarkmq/remoting'
import type { NameServerContext } from '../name-server-context.ts'
import { getRouteInfo } from './get-route-info.ts'
import {
  deleteKvConfig,
  getKvConfig,
  getKvListByNamespace,
  getNamesrvConfig,
  putKvConfig,
  updateNamesrvConfig,
} from './kv-config.ts'
import {
  brokerHeartbeat,
  getBrokerMemberGroup,
  queryDataVersion,
  registerBroker,
  unregisterBroker,
} from './register-broker.ts'
import {
  addWritePerm,
  deleteTopic,
  getAllTopicList,
  getBrokerClusterInfo,
  getHasUnitSubTopicList,
  getHasUnitSubUnunitTopicList,
  getSystemTopicList,
  getTopicsByCluster,
  getUnitTopicList,
  registerTopic,
  wipeWritePerm,
} from './topics.ts'

/** The processor of each request that a name server serves. */
export const services: ServiceTable<NameServerContext, typeof namesrvRequests> = {
  GET_ROUTEINFO_BY_TOPIC: { process: getRouteInfo },
  REGISTER_BROKER: { process: registerBroker },
  UNREGISTER_BROKER: { process: unregisterBroker },
  QUERY_DATA_VERSION: { process: queryDataVersion },
  BROKER_HEARTBEAT: { process: brokerHeartbeat },
  GET_BROKER_MEMBER_GROUP: { process: getBrokerMemberGroup },
  GET_BROKER_CLUSTER_INFO: { process: getBrokerClusterInfo },
  GET_ALL_TOPIC_LIST_FROM_NAMESERVER: { process: getAllTopicList },
  GET_TOPICS_BY_CLUSTER: { process: getTopicsByCluster },
  GET_SYSTEM_TOPIC_LIST_FROM_NS: { process: getSystemTopicList },
  DELETE_TOPIC_IN_NAMESRV: { process: deleteTopic },
  REGISTER_TOPIC_IN_NAMESRV: { process: registerTopic },
  GET_UNIT_TOPIC_LIST: { process: getUnitTopicList },
  GET_HAS_UNIT_SUB_TOPIC_LIST: { process: getHasUnitSubTopicList },
  GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST: { process: getHasUnitSubUnunitTopicList },
  WIPE_WRITE_PERM_OF_BROKER: { process: wipeWritePerm },
  ADD_WRITE_PERM_OF_BROKER: { process: addWritePerm },
  PUT_KV_CONFIG: { process: putKvConfig },
  GET_KV_CONFIG: { process: getKvConfig },
  DELETE_KV_CONFIG: { process: deleteKvConfig },
  GET_KVLIST_BY_NAMESPACE: { process: getKvListByNamespace },
  UPDATE_NAMESRV_CONFIG: { process: updateNamesrvConfig },
  GET_NAMESRV_CONFIG: { process: getNamesrvConfig },
}
