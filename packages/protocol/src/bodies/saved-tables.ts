import { ProtocolError } from '../errors.ts'
import { parseFastjson } from '../json/parse-fastjson.ts'
import {
  type JsonBody,
  type Shape,
  jsonBody,
  list,
  mapOf,
  maybe,
  number,
  object,
  text,
} from './shape.ts'

/** The position of an expression in the bit map of its topic. Apache: `BloomFilterData.java`. */
interface BloomFilterPlaces {
  readonly bitNum: number
  readonly bitPos: readonly number[]
}

/** What a group filters a topic by, as its file has it. Apache: `ConsumerFilterData.java`. */
export interface SavedConsumerFilter {
  readonly expression: string
  readonly expressionType: string
  /** Ms since 1970. */
  readonly bornTime: number
  /** Ms since 1970 at which the last client left; 0 while there is one. */
  readonly deadTime: number
  readonly clientVersion: number
  readonly bloomFilterData?: BloomFilterPlaces | undefined
}

interface FiltersOfTopic {
  /** By group. */
  readonly groupFilterData: ReadonlyMap<string, SavedConsumerFilter>
}

/** Expressions of all groups: config/consumerFilter.json. Apache: `ConsumerFilterManager.java`. */
export interface ConsumerFilters {
  /** By topic. */
  readonly filterDataByTopic: ReadonlyMap<string, FiltersOfTopic>
}

const consumerFilter: Shape<SavedConsumerFilter> = object<SavedConsumerFilter>({
  expression: text,
  expressionType: text,
  bornTime: number,
  deadTime: number,
  clientVersion: number,
  bloomFilterData: maybe(object<BloomFilterPlaces>({ bitNum: number, bitPos: list(number) })),
})

/** ConsumerFilters as the content of a file. */
export const consumerFiltersBody = jsonBody<ConsumerFilters>(
  'ConsumerFilterManager',
  object<ConsumerFilters>({
    filterDataByTopic: mapOf(object<FiltersOfTopic>({ groupFilterData: mapOf(consumerFilter) })),
  }),
)

/** The name server's settings. Apache: `KVConfigSerializeWrapper.java`. */
export interface KvConfigTable {
  /** By namespace, by key. */
  readonly configTable: ReadonlyMap<string, ReadonlyMap<string, string>>
}

/** KvConfigTable as the content of a file. */
export const kvConfigTableBody = jsonBody<KvConfigTable>(
  'KVConfigSerializeWrapper',
  object<KvConfigTable>({ configTable: mapOf(mapOf(text)) }),
)

/** How much of an invalid file is shown. */
const SHOWN_BYTES = 20

/** Reads the content of a file that should be a table; `problem` completes a sentence on what it is instead. */
export function readTable<T>(data: Buffer, body: JsonBody<T>): { value: T } | { problem: string } {
  try {
    const value = parseFastjson(data.toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { value: body.read(value) }
    }
    return { problem: `it holds ${data.toString('utf8', 0, SHOWN_BYTES)} and no table` }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { problem: error.message }
  }
}
