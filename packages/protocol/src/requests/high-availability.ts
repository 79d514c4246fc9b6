import { defineRequest } from '../schema/define-request.ts'
import { int32, int64, optional, required, string } from '../schema/fields.ts'
import { addressType, brokerNameType, clusterNameType } from '../schema/name-fields.ts'

/** Master and slave tell each other where the master is and how far it has flushed. */
export const ExchangeBrokerHaInfo = defineRequest({
  code: 906,
  name: 'EXCHANGE_BROKER_HA_INFO',
  doc: 'Master and slave tell each other where the master is and how far it has flushed.',
  source: 'ExchangeHAInfoRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    masterHaAddress: optional(addressType, 'Replication address of the master.'),
    masterFlushOffset: optional(int64, 'Commit log offset that the master has on disk.'),
    masterAddress: optional(addressType, 'Address of the master.'),
  },
  reply: {
    masterHaAddress: optional(string, 'Replication address of the master.'),
    masterFlushOffset: optional(int64, 'Commit log offset that the master has on disk.'),
    masterAddress: optional(string, 'Address of the master.'),
  },
})

/** Asks how far the slaves are. */
export const GetBrokerHaStatus = defineRequest({
  code: 907,
  name: 'GET_BROKER_HA_STATUS',
  doc: 'Asks how far the slaves are.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Tells a slave how far its master has flushed. */
export const ResetMasterFlushOffset = defineRequest({
  code: 908,
  name: 'RESET_MASTER_FLUSH_OFFSET',
  doc: 'Tells a slave how far its master has flushed.',
  source: 'ResetMasterFlushOffsetHeader.java, AdminBrokerProcessor.java',
  header: {
    masterFlushOffset: required(int64, 'Commit log offset that the master has on disk.'),
  },
  reply: {},
})

/** The name server tells which member of a broker name has the least id. */
export const NotifyMinBrokerIdChange = defineRequest({
  code: 905,
  name: 'NOTIFY_MIN_BROKER_ID_CHANGE',
  doc: 'The name server tells which member of a broker name has the least id.',
  source: 'NotifyMinBrokerIdChangeRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    minBrokerId: optional(int64, 'The least id.'),
    brokerName: optional(brokerNameType, 'Name of the broker, shared by a master and its slaves.'),
    minBrokerAddr: optional(addressType, 'Its address.'),
    offlineBrokerAddr: optional(addressType, 'Address of the member that left.'),
    haBrokerAddr: optional(addressType, 'Replication address.'),
  },
  reply: {},
  oneway: true,
})

/** Has a broker container start a broker. */
export const AddBroker = defineRequest({
  code: 902,
  name: 'ADD_BROKER',
  doc: 'Has a broker container start a broker.',
  source: 'AddBrokerRequestHeader.java',
  header: {
    configPath: optional(string, 'File with its options.'),
  },
  reply: {},
})

/** Has a broker container stop a broker. */
export const RemoveBroker = defineRequest({
  code: 903,
  name: 'REMOVE_BROKER',
  doc: 'Has a broker container stop a broker.',
  source: 'RemoveBrokerRequestHeader.java',
  header: {
    brokerName: required(brokerNameType, 'Name of the broker, shared by a master and its slaves.'),
    brokerClusterName: required(clusterNameType, 'Its cluster.'),
    brokerId: required(int64, '0 for a master, above for slaves.'),
  },
  reply: {},
})

/** Asks for the terms of office of masters; controller mode only. */
export const GetBrokerEpochCache = defineRequest({
  code: 1007,
  name: 'GET_BROKER_EPOCH_CACHE',
  doc: 'Asks for the terms of office of masters; controller mode only.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** The controller tells who is master. */
export const NotifyBrokerRoleChanged = defineRequest({
  code: 1008,
  name: 'NOTIFY_BROKER_ROLE_CHANGED',
  doc: 'The controller tells who is master.',
  source: 'NotifyBrokerRoleChangedRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    masterAddress: optional(addressType, 'Address of the master.'),
    masterEpoch: optional(int32, 'Its term of office.'),
    syncStateSetEpoch: optional(int32, 'Version of the set of members in sync.'),
    masterBrokerId: optional(int64, 'Its id.'),
  },
  reply: {},
})
