import { int, type OptionTable } from '@skylarkmq/protocol'

const COUNT_MAX = 2 ** 31 - 1
const MIB = 1024 * 1024

/**
 * Bounds of what clients can make grow, and how often it is saved. Apache has none of these; each is far above what a
 * real cluster has. They take effect at a start only: who could change them over the network would have none.
 */
export const limitOptions = {
  configSaveInterval: int({
    isQuiet: true,
    default: 100,
    min: 0,
    max: 60_000,
    unit: 'ms',
    doc: "Skylark's own: the least time between two writes of a file of config/. Changes that come sooner are written together, and answered then.",
  }),
  maxTopics: int({
    isQuiet: true,
    default: 200_000,
    min: 1,
    max: COUNT_MAX,
    doc: "Skylark's own: topics that the broker may have, retry topics and dead letters among them.",
  }),
  maxQueuesPerTopic: int({
    isQuiet: true,
    default: 16_384,
    min: 1,
    max: 1_000_000,
    doc: "Skylark's own: queues that a topic may have.",
  }),
  maxBatchMessages: int({
    isQuiet: true,
    default: 16_384,
    min: 1,
    max: 1_000_000,
    doc: "Skylark's own: messages of one batch. Each is a record of its own, and all are written in one turn.",
  }),
  maxSubscriptionGroups: int({
    isQuiet: true,
    default: 100_000,
    min: 1,
    max: COUNT_MAX,
    doc: "Skylark's own: consumer groups that the broker may have.",
  }),
  maxForbiddenTopics: int({
    isQuiet: true,
    default: 100_000,
    min: 1,
    max: COUNT_MAX,
    doc: "Skylark's own: pairs of a group and a topic that the group may not read.",
  }),
  maxMessageRequestModes: int({
    isQuiet: true,
    default: 100_000,
    min: 1,
    max: COUNT_MAX,
    doc: "Skylark's own: pairs of a group and a topic of which somebody has said whether the group pulls or pops it.",
  }),
  maxConsumerOffsets: int({
    isQuiet: true,
    default: 2_000_000,
    min: 1,
    max: COUNT_MAX,
    doc: "Skylark's own: queues in which groups have an offset, those of each group by themselves.",
  }),
  maxConsumerFilterBytes: int({
    isQuiet: true,
    default: 16 * MIB,
    min: 1024,
    max: COUNT_MAX,
    unit: 'bytes',
    doc: "Skylark's own: memory for the SQL92 expressions that groups have registered.",
  }),
  maxClientBytes: int({
    isQuiet: true,
    default: 256 * MIB,
    min: 1024,
    max: COUNT_MAX,
    unit: 'bytes',
    doc: "Skylark's own: memory for what consumers say of themselves in heartbeats, and as much for producers.",
  }),
  maxQueueLocks: int({
    isQuiet: true,
    default: 1_000_000,
    min: 1,
    max: COUNT_MAX,
    doc: "Skylark's own: queues that clients may have to themselves at one time.",
  }),
  maxColdDataGroups: int({
    isQuiet: true,
    default: 100_000,
    min: 1,
    max: COUNT_MAX,
    doc: "Skylark's own: groups with a limit of their own for reading the log's old part.",
  }),
  maxStatsItems: int({
    isQuiet: true,
    default: 500_000,
    min: 1000,
    max: COUNT_MAX,
    doc: "Skylark's own: counters of topics and groups; what has none is not counted by itself.",
  }),
} satisfies OptionTable
