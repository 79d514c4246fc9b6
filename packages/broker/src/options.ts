import {
  addressListProblem,
  flag,
  hostProblem,
  int,
  oneOf,
  orNone,
  text,
  type ConfigOf,
  type OptionTable,
} from '@skylarkmq/protocol'
import { metricsOptions, trustedAddressesOption } from '@skylarkmq/remoting'
import { flowOptions } from './options-flow.ts'
import { absentProtection, ignoredBrokerOptions } from './options-ignored.ts'
import { limitOptions } from './options-limits.ts'

const MS_MAX = 2 ** 31 - 1

const identity = {
  brokerClusterName: text({
    default: 'DefaultCluster',
    doc: 'The cluster that the broker belongs to.',
  }),
  brokerName: text({
    default: 'broker-a',
    doc: 'Name of the broker; a master and its slaves share it.',
    differs: "Apache takes the host's name.",
  }),
  brokerId: int({ default: 0, min: 0, doc: '0 for the master, more for a slave.' }),
  regionId: text({
    default: 'DefaultRegion',
    applies: 'live',
    doc: 'Put into each message and each answer to a send.',
  }),
} satisfies OptionTable

const network = {
  namesrvAddr: text({
    default: '',
    applies: 'live',
    doc: 'Name servers, `host:port` joined by `;`.',
    problem: orNone(addressListProblem),
  }),
  listenPort: int({
    default: 10911,
    min: 0,
    max: 65535,
    doc: 'Port for clients; 0 takes a free one. The fast port is this less 2.',
    differs: 'Apache has 6888 here, and 10911 in the file that it ships.',
  }),
  bindAddress: text({
    default: '127.0.0.1',
    doc: 'Address to listen on; 0.0.0.0 for all.',
    problem: orNone(hostProblem),
    differs: 'Apache listens on all addresses; here that has to be asked for.',
  }),
  brokerIP1: text({
    default: '',
    doc: 'Address that clients are told. Empty: loopback askers are told loopback, others the address they came in by.',
    problem: orNone(hostProblem),
    differs: 'Apache takes the first address that is not loopback.',
  }),
  brokerIP2: text({
    default: '',
    doc: 'Address that slaves are told; empty for that of `brokerIP1`.',
    problem: orNone(hostProblem),
  }),
  proxyProtocolTrustedAddresses: trustedAddressesOption,
  serverChannelMaxIdleTimeSeconds: int({
    default: 120,
    min: 1,
    unit: 's',
    doc: 'A connection with no byte in either direction for this long is closed.',
  }),
  channelExpiredTimeout: int({
    default: 120_000,
    min: 1000,
    unit: 'ms',
    applies: 'live',
    doc: 'A client without a heartbeat for this long is taken for gone.',
  }),
} satisfies OptionTable

const registration = {
  registerNameServerPeriod: int({
    default: 30_000,
    min: 10_000,
    max: 60_000,
    outside: 'clamp',
    unit: 'ms',
    doc: 'How often the broker tells the name servers that it lives, and its topics.',
  }),
  registerBrokerTimeoutMills: int({
    default: 24_000,
    min: 100,
    unit: 'ms',
    applies: 'live',
    doc: 'How long a registration may take.',
  }),
  forceRegister: flag({
    default: true,
    applies: 'live',
    doc: 'Sends all topics each time. Otherwise only when a name server says that it knows an older version.',
  }),
  compressedRegister: flag({
    default: false,
    applies: 'live',
    doc: 'Compresses registrations; those of more than 4 MiB always are.',
  }),
  enableMixedMessageType: flag({
    default: false,
    applies: 'live',
    doc: 'Takes topics whose attribute `message.type` is MIXED.',
  }),
  enableSingleTopicRegister: flag({
    default: false,
    applies: 'live',
    doc: 'A changed topic is sent to the name servers alone instead of with all others. From 1,000 topics on it always is.',
  }),
} satisfies OptionTable

const topicsAndGroups = {
  brokerPermission: int({
    default: 6,
    min: 0,
    max: 7,
    applies: 'live',
    doc: '4 readable, 2 writeable, 6 both.',
  }),
  defaultTopicQueueNums: int({
    default: 8,
    min: 1,
    max: 65535,
    doc: 'Queues of the template TBW102, and so at most of a topic made by a send.',
  }),
  autoCreateTopicEnable: flag({
    default: true,
    applies: 'live',
    doc: 'A send to an unknown topic creates it.',
  }),
  autoCreateSubscriptionGroup: flag({
    default: true,
    applies: 'live',
    doc: 'A group comes into being when it is first heard of.',
  }),
  enableCreateSysGroup: flag({
    default: true,
    applies: 'live',
    doc: 'Groups of the broker itself are made when they are first heard of, even with `autoCreateSubscriptionGroup=false`.',
  }),
  validateSystemTopicWhenUpdateTopic: flag({
    default: true,
    applies: 'live',
    doc: 'Refuses to create or change system topics.',
  }),
  clearRetryTopicWhenDeleteTopic: flag({
    default: true,
    applies: 'live',
    doc: 'Deleting a topic deletes its POP retry topics.',
  }),
  msgTraceTopicName: text({ default: 'RMQ_SYS_TRACE_TOPIC', doc: 'Topic of message traces.' }),
  traceTopicEnable: flag({
    default: false,
    doc: 'Creates the trace topic at the start; otherwise the first trace does.',
  }),
} satisfies OptionTable

const sending = {
  traceOn: flag({ default: true, applies: 'live', doc: 'Tells clients that they may trace.' }),
  startAcceptSendRequestTimeStamp: int({
    default: 0,
    max: Number.MAX_SAFE_INTEGER,
    unit: 'ms since 1970',
    applies: 'live',
    doc: 'Sends before this time are refused.',
  }),
  rejectTransactionMessage: flag({
    default: false,
    applies: 'live',
    doc: 'Refuses transactional messages.',
  }),
  recallMessageEnable: flag({
    default: false,
    applies: 'live',
    doc: 'Whether a message that waits for a time of its own may be called back.',
  }),
  allowRecallWhenBrokerNotWriteable: flag({
    default: true,
    applies: 'live',
    doc: 'Whether that may be done while the broker takes no messages.',
  }),
  transactionTimeOut: int({
    default: 6000,
    min: 0,
    max: MS_MAX,
    unit: 'ms',
    applies: 'live',
    doc: 'Age from which a producer is asked about a half message that it has not ended.',
  }),
  transactionCheckMax: int({
    default: 15,
    min: 0,
    max: MS_MAX,
    applies: 'live',
    doc: 'How often producers are asked about a half message before it goes to TRANS_CHECK_MAX_TIME_TOPIC.',
  }),
  transactionCheckInterval: int({
    default: 30_000,
    min: 1,
    max: MS_MAX,
    unit: 'ms',
    applies: 'live',
    doc: 'Time between two rounds of checks of half messages.',
  }),
  transactionOpMsgMaxSize: int({
    default: 4096,
    min: 1,
    max: MS_MAX,
    unit: 'bytes',
    applies: 'live',
    doc: 'Body of one record that says which half messages have ended.',
  }),
  enableRegisterProducer: flag({
    default: true,
    applies: 'live',
    doc: 'Keeps a table of connected producers.',
  }),
  storeReplyMessageEnable: flag({
    default: true,
    applies: 'live',
    doc: 'Replies to requests are stored as well as pushed.',
  }),
} satisfies OptionTable

const sharingOut = {
  serverLoadBalancerEnable: flag({
    default: true,
    applies: 'live',
    doc: 'The broker shares queues out among the clients that ask it to; otherwise each gets all.',
  }),
  loadBalancePollNameServerInterval: int({
    default: 30_000,
    min: 0,
    unit: 'ms',
    applies: 'live',
    doc: 'How long the broker goes by a route when it shares queues out.',
  }),
  defaultMessageRequestMode: oneOf(['PULL', 'POP'], {
    default: 'PULL',
    applies: 'live',
    doc: 'Whether clients that let the broker share queues out pull or pop, unless setConsumeMode says otherwise. POP itself is not built yet.',
  }),
  defaultPopShareQueueNum: int({
    default: -1,
    min: -1,
    applies: 'live',
    doc: 'With POP, how many other clients pop the queues of one; every one of them when it is not positive.',
  }),
} satisfies OptionTable

const pulling = {
  longPollingEnable: flag({
    default: true,
    applies: 'live',
    doc: 'A pull that finds nothing waits as long as its client allows; otherwise `shortPollingTimeMills`.',
  }),
  shortPollingTimeMills: int({
    default: 1000,
    min: 0,
    max: MS_MAX,
    unit: 'ms',
    applies: 'live',
    doc: 'See `longPollingEnable`.',
  }),
  notifyConsumerIdsChangedEnable: flag({
    default: true,
    applies: 'live',
    doc: 'Tells the clients of a group when one joins or leaves.',
  }),
  rejectPullConsumerEnable: flag({
    default: false,
    applies: 'live',
    doc: 'Refuses pull consumers.',
  }),
  litePullMessageEnable: flag({ default: true, applies: 'live', doc: 'Serves LITE_PULL_MESSAGE.' }),
  slaveReadEnable: flag({
    default: false,
    applies: 'live',
    doc: 'Slaves may be read, and are suggested to who is far behind.',
  }),
  useServerSideResetOffset: flag({
    default: true,
    applies: 'live',
    doc: 'A reset takes effect at the next pull, without asking the clients.',
  }),
  enableBroadcastOffsetStore: flag({
    default: true,
    applies: 'live',
    doc: 'Commits how far the clients of a broadcasting group have pulled, for `group@broadcast`.',
  }),
  broadcastOffsetExpireSecond: int({
    default: 120,
    min: 0,
    unit: 's',
    applies: 'live',
    doc: 'How long a broadcasting client counts that is not connected any more.',
  }),
  broadcastOffsetExpireMaxSecond: int({
    default: 300,
    min: 0,
    unit: 's',
    applies: 'live',
    doc: 'How long a broadcasting client counts that is connected and does not pull.',
  }),
  enablePropertyFilter: flag({
    default: false,
    applies: 'live',
    doc: 'Consumers may filter by SQL92 expressions on properties.',
  }),
  filterSupportRetry: flag({
    default: false,
    applies: 'live',
    doc: "A SQL92 subscription to a group's retry topic filters by the group's expression for the topic of origin.",
  }),
  filterDataCleanTimeSpan: int({
    default: 86_400_000,
    min: 0,
    unit: 'ms',
    applies: 'live',
    doc: 'How long the SQL92 expression of a group without clients is kept.',
  }),
  maxErrorRateOfBloomFilter: int({
    default: 20,
    min: 1,
    max: 99,
    unit: '%',
    doc: 'Decides, with `expectConsumerNumUseFilter`, the numbers in config/consumerFilter.json by which Apache finds messages.',
  }),
  expectConsumerNumUseFilter: int({
    default: 32,
    min: 1,
    max: 65_536,
    doc: 'See `maxErrorRateOfBloomFilter`.',
  }),
  flushConsumerOffsetInterval: int({
    default: 5000,
    min: 100,
    max: MS_MAX,
    unit: 'ms',
    doc: 'How often consumer offsets are written.',
  }),
} satisfies OptionTable

/** The broker's own part of its configuration: Apache's names, and its defaults unless `differs` says why not. */
export const brokerOptions = {
  ...identity,
  ...network,
  ...registration,
  ...topicsAndGroups,
  ...sending,
  ...sharingOut,
  ...pulling,
  ...flowOptions,
  ...metricsOptions(false),
  metricsOtelCardinalityLimit: int({
    default: 50_000,
    min: 1,
    max: 2 ** 31 - 1,
    applies: 'live',
    doc: 'Series that one name of the metrics may have; those beyond it are summed up in one.',
  }),
  ...limitOptions,
  configBlackList: text({
    default: 'configBlackList;brokerConfigPath',
    doc: 'Keys, joined by `;`, that UPDATE_BROKER_CONFIG may not touch.',
  }),
  ...absentProtection,
  ...ignoredBrokerOptions,
} satisfies OptionTable

/** Values of the broker's own options. */
export type BrokerConfig = ConfigOf<typeof brokerOptions>
