/** mqadmin's commands on brokers' and name servers' settings and states, and its exports. */
import { join } from 'node:path'
import { topic } from './names.mjs'

const ofCluster = ['-c', 'DefaultCluster']

const keyValue = (context, key, value) => [
  ...['updateBrokerConfig', '-b', context.broker],
  ...['-k', key, '-v', value],
]

export const settingCommands = [
  { name: 'brokerStatus', args: (c) => ['brokerStatus', '-b', c.broker], as: 'keys' },
  { name: 'brokerStatus-cluster', args: () => ['brokerStatus', ...ofCluster], as: 'keys' },
  { name: 'haStatus', args: (c) => ['haStatus', '-b', c.broker], as: 'shape' },
  { name: 'getBrokerConfig', args: (c) => ['getBrokerConfig', '-b', c.broker], as: 'keys' },
  { name: 'getNamesrvConfig', args: () => ['getNamesrvConfig'], as: 'keys' },
  {
    name: 'updateBrokerConfig',
    args: (c) => keyValue(c, 'brokerPermission', '6'),
    as: 'exact',
  },
  {
    name: 'updateBrokerConfig-unknown',
    args: (c) => keyValue(c, 'noSuchKey', '1'),
    as: 'exact',
  },
  {
    name: 'updateBrokerConfig-path',
    args: (c) => keyValue(c, 'brokerConfigPath', 'elsewhere'),
    as: 'exact',
  },
  {
    name: 'updateNamesrvConfig',
    args: () => ['updateNamesrvConfig', '-k', 'deleteTopicWithBrokerRegistration', '-v', 'false'],
    as: 'exact',
  },
  {
    name: 'updateNamesrvConfig-path',
    args: () => ['updateNamesrvConfig', '-k', 'kvConfigPath', '-v', 'elsewhere'],
    as: 'exact',
  },
  { name: 'wipeWritePerm', args: () => ['wipeWritePerm', '-b', 'broker-a'], as: 'shape' },
  {
    name: 'topicRoute-wiped',
    args: () => ['topicRoute', '-t', topic],
    as: 'exact',
  },
  { name: 'addWritePerm', args: () => ['addWritePerm', '-b', 'broker-a'], as: 'shape' },
  { name: 'wipeWritePerm-unknown', args: () => ['wipeWritePerm', '-b', 'nowhere'], as: 'exact' },
  {
    name: 'updateKvConfig',
    args: () => ['updateKvConfig', '-s', 'admin-space', '-k', 'k', '-v', 'v'],
    as: 'exact',
  },
  {
    name: 'deleteKvConfig',
    args: () => ['deleteKvConfig', '-s', 'admin-space', '-k', 'k'],
    as: 'exact',
  },
  {
    name: 'setConsumeMode',
    args: (c) => [
      ...['setConsumeMode', '-b', c.broker, '-t', topic],
      ...['-g', 'admin-group', '-m', 'PULL'],
    ],
    as: 'exact',
  },
  {
    name: 'setConsumeMode-unknown',
    args: (c) => [
      ...['setConsumeMode', '-b', c.broker, '-t', 'admin-nowhere'],
      ...['-g', 'admin-group', '-m', 'POP', '-q', '8'],
    ],
    as: 'exact',
  },
  {
    name: 'updateColdDataFlowCtrGroupConfig',
    args: (c) => [
      ...['updateColdDataFlowCtrGroupConfig', '-b', c.broker],
      ...['-g', 'admin-group', '-v', '1024'],
    ],
    as: 'exact',
  },
  {
    name: 'getColdDataFlowCtrInfo',
    args: (c) => ['getColdDataFlowCtrInfo', '-b', c.broker],
    as: 'exact',
  },
  {
    name: 'removeColdDataFlowCtrGroupConfig',
    args: (c) => ['removeColdDataFlowCtrGroupConfig', '-b', c.broker, '-g', 'admin-group'],
    as: 'exact',
  },
  {
    name: 'getColdDataFlowCtrInfo-removed',
    args: (c) => ['getColdDataFlowCtrInfo', '-b', c.broker],
    as: 'exact',
  },
  {
    name: 'setCommitLogReadAheadMode',
    args: (c) => ['setCommitLogReadAheadMode', '-b', c.broker, '-m', '0'],
    as: 'exact',
  },
  {
    name: 'exportMetadata',
    args: (c) => ['exportMetadata', ...ofCluster, '-f', c.home],
    as: 'json',
    file: (c) => join(c.home, 'metadata.json'),
    pick: (file) => ({
      ...file,
      topicConfigTable: { [topic]: file.topicConfigTable[topic] },
      subscriptionGroupTable: { admin: file.subscriptionGroupTable['admin-group'] },
      exportTime: 'MILLIS',
    }),
  },
  {
    name: 'exportConfigs',
    args: (c) => ['exportConfigs', ...ofCluster, '-f', c.home],
    as: 'json',
    file: (c) => join(c.home, 'configs.json'),
    pick: (file) => file,
  },
  {
    name: 'exportMetrics',
    args: (c) => ['exportMetrics', ...ofCluster, '-f', c.home],
    as: 'json',
    file: (c) => join(c.home, 'metrics.json'),
    pick: withoutValues,
  },
]

/** The same object with the type of each value in its place. */
function withoutValues(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return typeof value
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, withoutValues(of)]))
}

/** Of what Skylark does not have: both makes are asked, so that the answers can be seen. */
export const unservedCommands = [
  {
    name: 'exportPopRecord',
    args: (c) => ['exportPopRecord', '-b', c.broker, '-d', 'true'],
    as: 'exact',
  },
  { name: 'listUser', args: (c) => ['listUser', '-b', c.broker], as: 'exact' },
  { name: 'listAcl', args: (c) => ['listAcl', '-b', c.broker], as: 'exact' },
  { name: 'getBrokerEpoch', args: () => ['getBrokerEpoch', '-b', 'broker-a'], as: 'exact' },
  {
    name: 'checkRocksdbCqWriteProgress',
    args: (c) => ['checkRocksdbCqWriteProgress', ...ofCluster, '-n', c.nameServer, '-t', topic],
    as: 'exact',
  },
  {
    name: 'addBroker',
    args: (c) => ['addBroker', '-c', c.broker, '-b', 'broker.conf'],
    as: 'exact',
  },
]
