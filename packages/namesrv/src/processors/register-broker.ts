import {
  crc32Positive,
  dataVersionBody,
  decodeRegisterBrokerBody,
  kvTableBody,
  brokerMemberGroupBody,
  ResponseCode,
  type BrokerHeartbeat,
  type GetBrokerMemberGroup,
  type QueryDataVersion,
  type RegisterBroker,
  type UnregisterBroker,
} from '@skylarkmq/protocol'
import { OK, refuse, type Processor, type Request } from '@skylarkmq/remoting'
import { ORDER_TOPIC_CONFIG } from '../kv-config.ts'
import type { NameServerContext } from '../name-server-context.ts'
import { sameVersion } from '../route-table.ts'
import { brokerDataFor, isLoopback } from './get-route-info.ts'

/** REGISTER_BROKER. Apache: `DefaultRequestProcessor.java`, registerBroker. */
export const registerBroker: Processor<NameServerContext, typeof RegisterBroker> = (
  server,
  request,
) => {
  const { header, body, version, connection } = request
  const crc = header.bodyCrc32 ?? 0
  if (crc !== 0 && body !== undefined && crc !== crc32Positive(body)) {
    return refuse(ResponseCode.SYSTEM_ERROR, 'crc32 not match')
  }
  const { maxRegistrationBytes } = server.config
  const compressed = header.compressed === true
  const form = { version, compressed, sizeMax: maxRegistrationBytes }
  const { topicConfigSerializeWrapper: topics, filterServerList } = decodeRegisterBrokerBody(
    body,
    form,
  )
  const registered = server.routes.register(
    {
      cluster: header.clusterName,
      brokerName: header.brokerName,
      brokerId: header.brokerId,
      brokerAddr: header.brokerAddr,
      haServerAddr: header.haServerAddr,
      zoneName: header.zoneName,
      expiryMs: header.heartbeatTimeoutMillis,
      enableActingMaster: header.enableActingMaster,
      dataVersion: topics.dataVersion,
      topics: topics.topicConfigTable,
      mappings: topics.topicQueueMappingInfoMap ?? new Map<string, unknown>(),
      filterServers: filterServerList,
      connection,
      followsAskerPort: followsAskerPort(request),
    },
    { deleteMissingTopics: server.config.deleteTopicWithBrokerRegistration },
  )
  if (registered.refused) return refuse(ResponseCode.SYSTEM_ERROR, 'register broker failed')
  if (registered.newMinId !== undefined) server.newMinId(header.brokerName, registered.newMinId)
  const ordered = server.config.returnOrderTopicConfigToBroker
    ? server.kv.list(ORDER_TOPIC_CONFIG)
    : undefined
  return {
    code: ResponseCode.SUCCESS,
    header: { haServerAddr: registered.haServerAddr, masterAddr: registered.masterAddr },
    ...(ordered === undefined ? {} : { body: kvTableBody.encode({ table: ordered }) }),
  }
}

/** Only a broker on this host may have an address that depends on the asker. */
function followsAskerPort(request: Request<typeof RegisterBroker>): number | undefined {
  const { header, connection } = request
  if (header.skylarkFollowsAsker !== true) return undefined
  const { remoteAddress, localAddress } = connection.socket
  if (!isLoopback(remoteAddress) && remoteAddress !== localAddress) return undefined
  const port = Number(header.brokerAddr.slice(header.brokerAddr.lastIndexOf(':') + 1))
  return Number.isInteger(port) ? port : undefined
}

/** UNREGISTER_BROKER: removes a broker from the routes. */
export const unregisterBroker: Processor<NameServerContext, typeof UnregisterBroker> = (
  server,
  { header: { brokerName, brokerId, brokerAddr } },
) => {
  server.departed(server.routes.unregister(brokerName, brokerId, brokerAddr, 'it stopped'))
  return OK
}

/** QUERY_DATA_VERSION: whether a broker has to register again. */
export const queryDataVersion: Processor<NameServerContext, typeof QueryDataVersion> = (
  { routes },
  { header, body },
) => {
  const asked = dataVersionBody.decode(body)
  const known = routes.liveAt(header.brokerName, header.brokerAddr)?.dataVersion
  const changed = known === undefined || !sameVersion(known, asked)
  routes.touch(header.brokerName, header.brokerAddr)
  return {
    code: ResponseCode.SUCCESS,
    header: { changed },
    ...(known === undefined ? {} : { body: dataVersionBody.encode(known) }),
  }
}

/** BROKER_HEARTBEAT: a broker is alive. An unknown broker gets the same answer. */
export const brokerHeartbeat: Processor<NameServerContext, typeof BrokerHeartbeat> = (
  { routes },
  { header },
) => {
  routes.touch(header.brokerName, header.brokerAddr)
  return OK
}

/** GET_BROKER_MEMBER_GROUP: the addresses of a broker name; empty when it is unknown. */
export const getBrokerMemberGroup: Processor<NameServerContext, typeof GetBrokerMemberGroup> = (
  server,
  { header: { clusterName, brokerName }, connection },
) => {
  const group = server.routes.brokers.get(brokerName)
  const brokerAddrs =
    group === undefined
      ? new Map<number, string>()
      : brokerDataFor(server, group, connection).brokerAddrs
  const body = brokerMemberGroupBody.encode({
    brokerMemberGroup: { cluster: clusterName, brokerName, brokerAddrs },
  })
  return { code: ResponseCode.SUCCESS, body }
}
