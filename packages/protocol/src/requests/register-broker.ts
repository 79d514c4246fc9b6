import { defineRequest } from '../schema/define-request.ts'
import {
  boolean,
  int32,
  int64,
  optional,
  orElse,
  required,
  string,
  timestampMs,
} from '../schema/fields.ts'
import {
  addressType,
  brokerNameType,
  clusterNameType,
  zoneNameType,
} from '../schema/name-fields.ts'

/** A broker tells its addresses and, in the body, its topics. */
export const RegisterBroker = defineRequest({
  code: 103,
  name: 'REGISTER_BROKER',
  doc: 'A broker tells its addresses and, in the body, its topics.',
  source: 'RegisterBrokerRequestHeader.java, DefaultRequestProcessor.java',
  header: {
    brokerName: required(brokerNameType, 'Name of the broker, shared by a master and its slaves.'),
    brokerAddr: required(addressType, 'Address of the broker, `host:port`.'),
    clusterName: required(clusterNameType, 'Cluster of the broker.'),
    haServerAddr: orElse(addressType, '', 'Replication address of the broker.'),
    brokerId: required(int64, '0 for a master, above for slaves.'),
    heartbeatTimeoutMillis: optional(
      timestampMs,
      'After this time without a word the broker counts as gone, ms.',
    ),
    enableActingMaster: optional(
      boolean,
      'True when a slave may act as master. Absent from old brokers.',
    ),
    compressed: optional(boolean, 'True when the body is compressed.'),
    bodyCrc32: optional(int32, 'crc32Positive of the body, 0 is not checked.'),
    zoneName: optional(zoneNameType, 'Zone of the broker.'),
    skylarkFollowsAsker: optional(
      boolean,
      'Ours: the address stands for «the host you asked». Apache ignores it.',
    ),
  },
  reply: {
    haServerAddr: optional(string, 'Replication address of the master.'),
    masterAddr: optional(string, 'Address of the master.'),
  },
  wireNames: { zoneName: '__ZONE_NAME' },
})

/** A broker leaves. */
export const UnregisterBroker = defineRequest({
  code: 104,
  name: 'UNREGISTER_BROKER',
  doc: 'A broker leaves.',
  source: 'UnRegisterBrokerRequestHeader.java, DefaultRequestProcessor.java',
  header: {
    brokerName: orElse(
      brokerNameType,
      '',
      'Name of the broker, shared by a master and its slaves.',
    ),
    brokerAddr: orElse(addressType, '', 'Address of the broker, `host:port`.'),
    clusterName: orElse(clusterNameType, '', 'Cluster of the broker.'),
    brokerId: orElse(int64, -1, '0 for a master, above for slaves.'),
  },
  reply: {},
})

/** A broker asks whether its topics, whose version is in the body, are known. */
export const QueryDataVersion = defineRequest({
  code: 322,
  name: 'QUERY_DATA_VERSION',
  doc: 'A broker asks whether its topics, whose version is in the body, are known.',
  source: 'QueryDataVersionRequestHeader.java, DefaultRequestProcessor.java',
  header: {
    brokerName: orElse(
      brokerNameType,
      '',
      'Name of the broker, shared by a master and its slaves.',
    ),
    brokerAddr: required(addressType, 'Address of the broker, `host:port`.'),
    clusterName: required(clusterNameType, 'Cluster of the broker.'),
    brokerId: orElse(int64, -1, '0 for a master, above for slaves.'),
  },
  reply: {
    changed: required(boolean, 'True when the broker has to register.'),
  },
})

/** A broker says that it lives. */
export const BrokerHeartbeat = defineRequest({
  code: 904,
  name: 'BROKER_HEARTBEAT',
  doc: 'A broker says that it lives.',
  source: 'BrokerHeartbeatRequestHeader.java, DefaultRequestProcessor.java',
  header: {
    clusterName: required(clusterNameType, 'Cluster of the broker.'),
    brokerAddr: required(addressType, 'Address of the broker, `host:port`.'),
    brokerName: orElse(
      brokerNameType,
      '',
      'Name of the broker, shared by a master and its slaves.',
    ),
    brokerId: optional(int64, '0 for a master, above for slaves.'),
    epoch: optional(int32, 'Term of office, for a controller.'),
    maxOffset: optional(int64, 'End of its commit log, for a controller.'),
    confirmOffset: optional(int64, 'What a majority has, for a controller.'),
    heartbeatTimeoutMills: optional(
      timestampMs,
      'After this time without a word it counts as gone, ms. Spelled so on the wire.',
    ),
    electionPriority: optional(int32, 'For a controller.'),
  },
  reply: {},
})

/** Asks for the addresses of a broker name. */
export const GetBrokerMemberGroup = defineRequest({
  code: 901,
  name: 'GET_BROKER_MEMBER_GROUP',
  doc: 'Asks for the addresses of a broker name.',
  source: 'GetBrokerMemberGroupRequestHeader.java, DefaultRequestProcessor.java',
  header: {
    clusterName: orElse(clusterNameType, '', 'Cluster of the broker.'),
    brokerName: orElse(
      brokerNameType,
      '',
      'Name of the broker, shared by a master and its slaves.',
    ),
  },
  reply: {},
})
