import {
  flag,
  hostProblem,
  int,
  orNone,
  text,
  type ConfigOf,
  type OptionTable,
} from '@skylarkmq/protocol'
import { metricsOptions, trustedAddressesOption } from '@skylarkmq/remoting'
import { ignoredNamesrvOptions } from './options-ignored.ts'

const MIB = 1024 * 1024

/** The name server's configuration. Keys and defaults are Apache's (`NamesrvConfig.java`, `NettyServerConfig.java`). */
export const namesrvOptions = {
  listenPort: int({
    default: 9876,
    min: 0,
    max: 65535,
    doc: 'Port for brokers and clients; 0 takes a free one.',
  }),
  bindAddress: text({
    default: '127.0.0.1',
    doc: 'Address to listen on; 0.0.0.0 for all.',
    problem: orNone(hostProblem),
    differs: 'Apache listens on all addresses; here that has to be asked for.',
  }),
  proxyProtocolTrustedAddresses: trustedAddressesOption,
  serverChannelMaxIdleTimeSeconds: int({
    default: 120,
    min: 1,
    unit: 's',
    doc: 'Idle time after which a connection is closed.',
  }),
  scanNotActiveBrokerInterval: int({
    default: 5000,
    min: 10,
    unit: 'ms',
    doc: 'Interval of checking for silent brokers.',
  }),
  orderMessageEnable: flag({
    default: false,
    applies: 'live',
    doc: 'Route answers carry `orderTopicConf` from the KV namespace ORDER_TOPIC_CONFIG.',
  }),
  returnOrderTopicConfigToBroker: flag({
    default: true,
    applies: 'live',
    doc: 'Answers to registrations contain the KV namespace ORDER_TOPIC_CONFIG.',
  }),
  supportActingMaster: flag({
    default: false,
    applies: 'live',
    doc: 'Routes show the slave with the least id as master when a broker name has no living master.',
  }),
  notifyMinBrokerIdChanged: flag({
    default: false,
    applies: 'live',
    doc: 'Notifies the members of a broker group when the least broker id changes.',
  }),
  enableAllTopicList: flag({
    default: true,
    applies: 'live',
    doc: 'Answers GET_ALL_TOPIC_LIST_FROM_NAMESERVER.',
  }),
  enableTopicList: flag({
    default: true,
    applies: 'live',
    doc: 'Answers the lists of topics by cluster and by unit.',
  }),
  needWaitForService: flag({
    default: false,
    applies: 'live',
    doc: 'Answers no routes for `waitSecondsForService` after the start.',
  }),
  waitSecondsForService: int({
    default: 45,
    min: 0,
    unit: 's',
    applies: 'live',
    doc: 'See `needWaitForService`.',
  }),
  deleteTopicWithBrokerRegistration: flag({
    default: false,
    applies: 'live',
    doc: 'A full registration removes topics of the broker that it does not list.',
  }),
  configBlackList: text({
    default: 'configBlackList;configStorePath;kvConfigPath',
    doc: 'Keys, joined by `;`, that UPDATE_NAMESRV_CONFIG may not touch.',
  }),
  kvConfigPath: text({
    default: '',
    doc: 'File of the KV configuration; empty keeps it in memory only.',
  }),
  configStorePath: text({
    default: '',
    doc: 'File that UPDATE_NAMESRV_CONFIG writes to; empty for none.',
  }),
  maxRegistrationBytes: int({
    isQuiet: true,
    default: 32 * MIB,
    min: 64 * 1024,
    max: 1024 * MIB,
    unit: 'bytes',
    doc: "Skylark's own: a compressed registration may not become larger than this.",
  }),
  maxBrokers: int({
    isQuiet: true,
    default: 10_000,
    min: 1,
    doc: "Skylark's own: most brokers that may be registered, counting each process.",
  }),
  maxRoutes: int({
    isQuiet: true,
    default: 2_000_000,
    min: 1,
    doc: "Skylark's own: most topics in the routes, counted per broker.",
  }),
  maxQueuesPerTopic: int({
    isQuiet: true,
    default: 16_384,
    min: 1,
    max: 1_000_000,
    doc: "Skylark's own: a topic with more queues on one broker is left out of the routes.",
  }),
  maxKvBytes: int({
    isQuiet: true,
    default: 16 * MIB,
    min: 1024,
    unit: 'bytes',
    doc: "Skylark's own: memory for the KV configuration.",
  }),
  configSaveInterval: int({
    isQuiet: true,
    default: 100,
    min: 0,
    max: 60_000,
    unit: 'ms',
    doc: "Skylark's own: shortest time between two writes of the KV configuration. Changes within it are written together and answered then.",
  }),
  ...metricsOptions(true),
  ...ignoredNamesrvOptions,
} satisfies OptionTable

/** Values of the name server's options. */
export type NamesrvConfig = ConfigOf<typeof namesrvOptions>
