/** A command of Apache's mqadmin. */
export interface MqadminCommand {
  readonly name: string
  readonly does: string
  /** Why it is not served, or has nothing to do with a broker; undefined when it is. */
  readonly absent?: string
}

const ACL = 'access control is not built yet'
const POP = 'POP is not built yet'
const ROCKSDB = 'there is no RocksDB here: tables and queues are files of their own'
const CONTROLLER = 'the controller mode is not built'
const CONTAINER = 'only a broker container serves it, and there is none here'
const STATIC = 'static topics are not built'
const REPLICATION = 'replication is not built yet'

/**
 * Every command that Apache's mqadmin 5.3.3 registers, by what it is about. Apache: `MQAdminStartup.java`,
 * initCommand.
 */
export const mqadminCommands: Readonly<Record<string, readonly MqadminCommand[]>> = {
  Topics: [
    { name: 'updateTopic', does: 'makes or changes a topic' },
    { name: 'updateTopicList', does: 'makes or changes the topics of a file' },
    { name: 'deleteTopic', does: 'deletes a topic' },
    { name: 'updateTopicPerm', does: 'changes who may read and write' },
    { name: 'topicRoute', does: 'prints the route' },
    { name: 'topicStatus', does: 'prints the ends of each queue' },
    { name: 'topicClusterList', does: 'prints the clusters that have the topic' },
    { name: 'topicList', does: 'lists topics' },
    { name: 'updateOrderConf', does: 'writes, reads or deletes the queues of an order topic' },
    { name: 'allocateMQ', does: 'shares the queues among addresses as a consumer group would' },
    { name: 'statsAll', does: 'prints backlog and rates of topics and their groups' },
    { name: 'cleanUnusedTopic', does: 'deletes the queues of topics that are no more' },
    { name: 'updateStaticTopic', does: 'makes a static topic', absent: STATIC },
    { name: 'remappingStaticTopic', does: 'moves a static topic', absent: STATIC },
  ],
  Messages: [
    { name: 'sendMessage', does: 'sends one' },
    { name: 'consumeMessage', does: 'consumes some and prints them' },
    {
      name: 'queryMsgById',
      does: 'finds one by where it lies; has a client consume it; sends it anew',
    },
    { name: 'queryMsgByKey', does: 'finds some by key and time' },
    { name: 'queryMsgByUniqueKey', does: "finds one by its producer's id" },
    { name: 'queryMsgByOffset', does: 'finds one by queue and offset' },
    { name: 'queryMsgTraceById', does: 'prints who sent and consumed it, out of its trace' },
    { name: 'printMsg', does: 'prints those of a topic' },
    { name: 'printMsgByQueue', does: 'prints or counts those of a queue' },
    { name: 'queryCq', does: 'prints entries of a queue as they lie there' },
    { name: 'sendMsgStatus', does: 'sends some to a broker and prints how long each took' },
    { name: 'checkMsgSendRT', does: 'sends some to a topic and prints how long each took' },
    { name: 'clusterRT', does: 'does so to each broker of a cluster, for ever' },
    {
      name: 'dumpCompactionLog',
      does: 'prints a file of a compacted topic',
      absent: 'it reads a file and asks no broker',
    },
  ],
  'Consumer groups': [
    { name: 'updateSubGroup', does: 'makes or changes a group' },
    { name: 'updateSubGroupList', does: 'makes or changes the groups of a file' },
    { name: 'deleteSubGroup', does: 'deletes a group, and its offsets if asked' },
    { name: 'getConsumerConfig', does: 'prints the settings of a group' },
    { name: 'consumerProgress', does: 'prints how far groups are' },
    { name: 'brokerConsumeStats', does: 'prints how far all groups of a broker are' },
    {
      name: 'consumerConnection',
      does: 'prints the clients of a group and what they subscribe to',
    },
    { name: 'consumerStatus', does: 'asks the clients of a group what they are doing' },
    { name: 'producerConnection', does: 'prints the clients of a producer group' },
    { name: 'producer', does: 'prints all producers of a broker' },
    { name: 'startMonitoring', does: 'looks at all groups every minute' },
    { name: 'resetOffsetByTime', does: 'sets a group to a time, or a queue to an offset' },
    { name: 'skipAccumulatedMessage', does: 'sets a group to the end' },
    { name: 'cloneGroupOffset', does: 'sets a group to where another is' },
    { name: 'setConsumeMode', does: 'has a group consume by PULL or POP' },
  ],
  'Brokers and clusters': [
    { name: 'clusterList', does: 'prints the brokers' },
    { name: 'brokerStatus', does: "prints a broker's statistics" },
    { name: 'getBrokerConfig', does: "prints a broker's settings" },
    { name: 'updateBrokerConfig', does: "changes one of a broker's settings" },
    { name: 'wipeWritePerm', does: 'takes a broker out of the routes of producers' },
    { name: 'addWritePerm', does: 'puts it in again' },
    { name: 'haStatus', does: 'prints how far the slaves are' },
    { name: 'cleanExpiredCQ', does: 'deletes queues whose messages are no more' },
    { name: 'deleteExpiredCommitLog', does: 'deletes files of the log that are too old' },
    {
      name: 'resetMasterFlushOffset',
      does: 'tells a slave how far its master has flushed',
      absent: REPLICATION,
    },
    { name: 'addBroker', does: 'starts a broker in a container', absent: CONTAINER },
    { name: 'removeBroker', does: 'ends a broker in a container', absent: CONTAINER },
    {
      name: 'setCommitLogReadAheadMode',
      does: 'tells the system how to read ahead in the mapped log; kept here, without effect',
    },
    { name: 'getColdDataFlowCtrInfo', does: 'prints limits on cold reads' },
    { name: 'updateColdDataFlowCtrGroupConfig', does: 'sets limits on cold reads' },
    {
      name: 'removeColdDataFlowCtrGroupConfig',
      does: 'removes limits on cold reads',
    },
    {
      name: 'checkRocksdbCqWriteProgress',
      does: 'compares queues in RocksDB with those in files',
      absent: ROCKSDB,
    },
    { name: 'exportPopRecord', does: 'moves the records of POP out of RocksDB', absent: POP },
  ],
  'Name servers': [
    { name: 'getNamesrvConfig', does: 'prints the settings' },
    { name: 'updateNamesrvConfig', does: 'changes a setting' },
    { name: 'updateKvConfig', does: 'writes a value' },
    { name: 'deleteKvConfig', does: 'deletes a value' },
  ],
  Exports: [
    { name: 'exportMetadata', does: 'writes the topics and groups of a cluster into a file' },
    { name: 'exportConfigs', does: 'writes the settings of a cluster into a file' },
    { name: 'exportMetrics', does: 'writes the rates of a cluster into a file' },
    { name: 'exportMetadataInRocksDB', does: 'prints tables in RocksDB', absent: ROCKSDB },
    { name: 'rocksDBConfigToJson', does: 'prints tables in RocksDB', absent: ROCKSDB },
  ],
  Controllers: [
    ...[
      ['getSyncStateSet', 'prints which replicas are in step'],
      ['getBrokerEpoch', 'prints the epochs of a replica'],
      ['getControllerMetaData', 'prints the controllers'],
      ['getControllerConfig', 'prints the settings'],
      ['updateControllerConfig', 'changes a setting'],
      ['electMaster', 'elects a master'],
      ['cleanBrokerMetadata', 'forgets a broker'],
    ].map(([name = '', does = '']) => ({ name, does, absent: CONTROLLER })),
  ],
  'Access control': [
    ...['createUser', 'updateUser', 'deleteUser', 'getUser', 'listUser', 'copyUser'],
    ...['createAcl', 'updateAcl', 'deleteAcl', 'getAcl', 'listAcl', 'copyAcl'],
  ].map((name) => ({ name, does: 'users and their rights', absent: ACL })),
}
