import { ProtocolError } from '../errors.ts'
import { parseFastjson } from '../json/parse-fastjson.ts'
import { stringifyFastjson } from '../json/stringify-fastjson.ts'
import { type DataVersion, dataVersion } from './data-version.ts'
import {
  type Shape,
  flag,
  int,
  intOr,
  jsonBody,
  list,
  mapOf,
  maybe,
  needed,
  orEmptyText,
  present,
  object,
  text,
  word,
} from './shape.ts'

/** One topic of a broker. Apache: `TopicConfig.java`. */
export interface TopicConfig {
  readonly topicName: string
  readonly readQueueNums: number
  readonly writeQueueNums: number
  /** See Perm. */
  readonly perm: number
  readonly topicFilterType: 'SINGLE_TAG' | 'MULTI_TAG'
  /** See TopicSysFlag. */
  readonly topicSysFlag: number
  readonly order: boolean
  readonly attributes: Readonly<Record<string, string>>
}

const attributes: Shape<Readonly<Record<string, string>>> = {
  read: (value, at) => Object.fromEntries(orEmptyText(mapOf(text)).read(value, at)),
}

/** How a TopicConfig is read from JSON. */
const topicConfigShape: Shape<TopicConfig> = object<TopicConfig>({
  topicName: text,
  readQueueNums: intOr(16),
  writeQueueNums: intOr(16),
  perm: intOr(6),
  topicFilterType: word(['SINGLE_TAG', 'MULTI_TAG'], 'SINGLE_TAG'),
  topicSysFlag: int,
  order: flag,
  attributes,
})

/** One topic as a body: GET_TOPIC_CONFIG. */
export const topicConfigBody = jsonBody('TopicConfig', topicConfigShape)

/** All topics of a broker: GET_ALL_TOPIC_CONFIG, and part of a registration. Apache: `TopicConfigAndMappingSerializeWrapper.java`. */
export interface TopicConfigSerializeWrapper {
  readonly dataVersion: DataVersion
  readonly mappingDataVersion?: DataVersion | undefined
  readonly topicConfigTable: ReadonlyMap<string, TopicConfig>
  /** Mapping of static topics; passed on as it is. */
  readonly topicQueueMappingDetailMap?: ReadonlyMap<string, unknown> | undefined
  /** Short form of the mapping of static topics; passed on as it is. */
  readonly topicQueueMappingInfoMap?: ReadonlyMap<string, unknown> | undefined
}

const asItIs: Shape<unknown> = { read: (value) => value }

/** How a TopicConfigSerializeWrapper is read from JSON. */
export const topicConfigWrapper: Shape<TopicConfigSerializeWrapper> =
  object<TopicConfigSerializeWrapper>({
    dataVersion,
    mappingDataVersion: maybe(dataVersion),
    topicConfigTable: mapOf(present(topicConfigShape)),
    topicQueueMappingDetailMap: orEmptyText(maybe(mapOf(asItIs))),
    topicQueueMappingInfoMap: orEmptyText(maybe(mapOf(asItIs))),
  })

/** All topics of a broker as a body. */
export const topicConfigSerializeWrapperBody = jsonBody(
  'TopicConfigSerializeWrapper',
  topicConfigWrapper,
)

/** Several topics: UPDATE_AND_CREATE_TOPIC_LIST. Apache: `CreateTopicListRequestBody.java`. */
export const topicConfigListBody = jsonBody<{ readonly topicConfigList: readonly TopicConfig[] }>(
  'CreateTopicListRequestBody',
  object<{ readonly topicConfigList: readonly TopicConfig[] }>({
    topicConfigList: needed(list(present(topicConfigShape))),
  }),
)

/** A topic as one line, the format in a compressed registration. topicSysFlag and order are lost. */
export function formatTopicLine(topic: TopicConfig): string {
  const { topicName, readQueueNums, writeQueueNums, perm, topicFilterType } = topic
  const words = [topicName, readQueueNums, writeQueueNums, perm, topicFilterType]
  return `${words.join(' ')} ${stringifyFastjson(topic.attributes)}`
}

/** Reads a topic from one line; throws a ProtocolError when it has fewer than five words. */
export function parseTopicLine(line: string): TopicConfig {
  const [topicName, readQueueNums, writeQueueNums, perm, topicFilterType, ...rest] = line.split(' ')
  if (topicFilterType === undefined) {
    throw new ProtocolError({ what: `not a topic: ${JSON.stringify(line.slice(0, 80))}` })
  }
  const json = rest.join(' ')
  return topicConfigShape.read(
    {
      topicName,
      readQueueNums,
      writeQueueNums,
      perm,
      topicFilterType,
      attributes: json === '' ? undefined : parseFastjson(json),
    },
    'TopicConfig',
  )
}
