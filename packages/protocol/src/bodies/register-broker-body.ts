import { addressType } from '../schema/name-fields.ts'
import { deflateSync, inflateSync } from 'node:zlib'
import { Version } from '../codes/version.ts'
import { ProtocolError } from '../errors.ts'
import { parseFastjson } from '../json/parse-fastjson.ts'
import { stringifyFastjson } from '../json/stringify-fastjson.ts'
import { readInt, writeInt } from '../message/long.ts'
import { dataVersion } from './data-version.ts'
import { jsonBody, list, maybe, named, needed, object, text } from './shape.ts'
import {
  type TopicConfig,
  type TopicConfigSerializeWrapper,
  formatTopicLine,
  parseTopicLine,
  topicConfigSerializeWrapperBody,
  topicConfigWrapper,
} from './topic-config.ts'

/** The body of a broker's registration. Apache: `RegisterBrokerBody.java`. */
export interface RegisterBrokerBody {
  readonly topicConfigSerializeWrapper: TopicConfigSerializeWrapper
  /** If absent, the name server keeps what it knows. */
  readonly filterServerList?: readonly string[] | undefined
}

/** The format of a registration: from the request's version and its field `compressed`. */
export interface RegisterBrokerForm {
  /** The sender's MQVersion ordinal. */
  readonly version: number
  readonly compressed: boolean
  /** Limit of a compressed registration when decompressed; 32 MiB by default. */
  readonly sizeMax?: number
}

const plain = jsonBody<RegisterBrokerBody>(
  'RegisterBrokerBody',
  needed(
    object<RegisterBrokerBody>({
      topicConfigSerializeWrapper: topicConfigWrapper,
      filterServerList: maybe(list(named(addressType))),
    }),
  ),
)

/** A hundred thousand topics are a third of it. */
const SIZE_MAX = 32 * 1024 * 1024

/**
 * Reads a registration. Brokers before 3.0.11 send only the topics; an absent body is an empty table. Throws a
 * ProtocolError when it is invalid.
 */
export function decodeRegisterBrokerBody(
  bytes: Uint8Array | undefined,
  form: RegisterBrokerForm,
): RegisterBrokerBody {
  if (form.version < Version.V3_0_11) {
    return { topicConfigSerializeWrapper: topicConfigSerializeWrapperBody.decode(bytes) }
  }
  if (!form.compressed || bytes === undefined) return plain.decode(bytes)
  return new CompressedReader(bytes, form.sizeMax ?? SIZE_MAX).registration(form.version)
}

/** Writes a registration. */
export function encodeRegisterBrokerBody(
  registration: RegisterBrokerBody,
  form: RegisterBrokerForm,
): Buffer {
  return form.compressed ? compressed(registration, form.version) : plain.encode(registration)
}

/*
 * The compressed form: one zlib stream of
 *
 * | field            | bytes            | what it is                                        |
 * | ---------------- | ---------------- | ------------------------------------------------- |
 * | dataVersion      | 4 + n            | length, then JSON                                 |
 * | topics           | 4, each 4 + n    | count, then lines, see `formatTopicLine`          |
 * | filterServerList | 4 + n            | length, then JSON                                 |
 * | queue mappings   | 4, each 4 + n    | count, then JSON; only from version 5.0.0 on      |
 */
class CompressedReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array, sizeMax: number) {
    try {
      this.#bytes = inflateSync(bytes, { maxOutputLength: sizeMax })
    } catch (error) {
      const isTooLarge = (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
      // Whatever zlib reports, the registration is invalid.
      const what = isTooLarge
        ? `a registration of ${bytes.length} bytes that becomes more than ${sizeMax}: maxRegistrationBytes of the name server allows no more`
        : 'a registration that cannot be decompressed'
      throw new ProtocolError({ what }, error)
    }
  }

  registration(version: number): RegisterBrokerBody {
    const ofVersion = dataVersion.read(parseFastjson(this.#text()), 'dataVersion')
    const topics = new Map<string, TopicConfig>()
    for (let left = this.#count(); left > 0; left--) {
      const topic = parseTopicLine(this.#text())
      topics.set(topic.topicName, topic)
    }
    const filterServers = list(named(addressType)).read(
      parseFastjson(this.#text()),
      'filterServerList',
    )
    const mappings = new Map<string, unknown>()
    for (let left = version >= Version.V5_0_0 ? this.#count() : 0; left > 0; left--) {
      const mapping = parseFastjson(this.#text())
      mappings.set(text.read((mapping as { topic?: unknown } | null)?.topic, 'topic'), mapping)
    }
    return {
      topicConfigSerializeWrapper: {
        dataVersion: ofVersion,
        topicConfigTable: topics,
        topicQueueMappingInfoMap: mappings,
      },
      filterServerList: filterServers,
    }
  }

  #count(): number {
    const count = this.#bytes.length - this.#at >= 4 ? readInt(this.#bytes, this.#at) : -1
    // Each counted element begins with a length of four bytes.
    if (count < 0 || count > this.#bytes.length - this.#at - 4) {
      throw new ProtocolError({ what: `a registration that breaks off at byte ${this.#at}` })
    }
    this.#at += 4
    return count
  }

  #text(): string {
    const length = this.#count()
    this.#at += length
    return this.#bytes.toString('utf8', this.#at - length, this.#at)
  }
}

function compressed(registration: RegisterBrokerBody, version: number): Buffer {
  const pieces: Buffer[] = []
  const count = (n: number): void => {
    const bytes = Buffer.alloc(4)
    writeInt(bytes, 0, n)
    pieces.push(bytes)
  }
  const sized = (piece: string): void => {
    const bytes = Buffer.from(piece, 'utf8')
    count(bytes.length)
    pieces.push(bytes)
  }
  const { topicConfigSerializeWrapper: wrapper, filterServerList = [] } = registration
  sized(stringifyFastjson(wrapper.dataVersion))
  count(wrapper.topicConfigTable.size)
  for (const topic of wrapper.topicConfigTable.values()) sized(formatTopicLine(topic))
  sized(stringifyFastjson(filterServerList))
  if (version >= Version.V5_0_0) {
    const mappings = wrapper.topicQueueMappingInfoMap ?? new Map<string, unknown>()
    count(mappings.size)
    for (const mapping of mappings.values()) sized(stringifyFastjson(mapping))
  }
  return deflateSync(Buffer.concat(pieces))
}
