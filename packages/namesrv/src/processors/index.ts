import type { namesrvRequests } from '@skylarkmq/protocol'
import type { ProcessorTable } from '@skylarkmq/remoting'
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

/** The processor of each request that a name server is asked. */
export const processors: ProcessorTable<NameServerContext, typeof namesrvRequests> = {
  GET_ROUTEINFO_BY_TOPIC: getRouteInfo,
  REGISTER_BROKER: registerBroker,
  UNREGISTER_BROKER: unregisterBroker,
  QUERY_DATA_VERSION: queryDataVersion,
  BROKER_HEARTBEAT: brokerHeartbeat,
  GET_BROKER_MEMBER_GROUP: getBrokerMemberGroup,
  GET_BROKER_CLUSTER_INFO: getBrokerClusterInfo,
  GET_ALL_TOPIC_LIST_FROM_NAMESERVER: getAllTopicList,
  GET_TOPICS_BY_CLUSTER: getTopicsByCluster,
  GET_SYSTEM_TOPIC_LIST_FROM_NS: getSystemTopicList,
  DELETE_TOPIC_IN_NAMESRV: deleteTopic,
  REGISTER_TOPIC_IN_NAMESRV: registerTopic,
  GET_UNIT_TOPIC_LIST: getUnitTopicList,
  GET_HAS_UNIT_SUB_TOPIC_LIST: getHasUnitSubTopicList,
  GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST: getHasUnitSubUnunitTopicList,
  WIPE_WRITE_PERM_OF_BROKER: wipeWritePerm,
  ADD_WRITE_PERM_OF_BROKER: addWritePerm,
  PUT_KV_CONFIG: putKvConfig,
  GET_KV_CONFIG: getKvConfig,
  DELETE_KV_CONFIG: deleteKvConfig,
  GET_KVLIST_BY_NAMESPACE: getKvListByNamespace,
  UPDATE_NAMESRV_CONFIG: updateNamesrvConfig,
  GET_NAMESRV_CONFIG: getNamesrvConfig,
}
