import { ProtocolError } from '../errors.ts'
import { ResponseCode } from '../codes/response-code.ts'
import { addressProblem, labelProblem, quotedName, resourceProblem } from '../names/safe-name.ts'
import { topicProblem } from '../names/topic.ts'
import type { FieldType } from './fields.ts'

/** A name that is valid if it is safe. */
export interface NameType extends FieldType<string> {
  /** The end of a sentence that says what is wrong with a name; undefined when it is valid. */
  readonly problem: (name: string) => string | undefined
}

function nameType(
  name: string,
  problem: (name: string) => string | undefined,
  code: number = ResponseCode.INVALID_PARAMETER,
  apacheWords?: (name: string) => string | undefined,
): NameType {
  return {
    name,
    problem,
    decode: (text, field) => {
      const found = problem(text)
      if (found === undefined) return text
      const says = `${field} ${quotedName(text)} ${found}`
      const words = apacheWords?.(text)
      throw new ProtocolError({ what: words === undefined ? says : `${words} (${says})`, code })
    },
    encode: (value) => value,
  }
}

/** A topic, with the namespace wrapped in. */
export const topicName: NameType = nameType(
  'topic',
  resourceProblem,
  ResponseCode.INVALID_PARAMETER,
  topicProblem,
)
/** A group of consumers. */
export const groupName: NameType = nameType('group', resourceProblem)
/** A group of producers, which never becomes a file name; any letters are valid. */
export const producerGroupName: NameType = nameType('producerGroup', labelProblem)
/** The id of a client, such as `192.0.2.1@4711#8`; any letters are valid. */
export const clientIdName: NameType = nameType('clientId', labelProblem)
/** The name that a master and its slaves share. */
export const brokerNameType: NameType = nameType('brokerName', labelProblem)
/** The name of a cluster. */
export const clusterNameType: NameType = nameType('clusterName', labelProblem)
/** The name of a zone, in which clients look for brokers first. */
export const zoneNameType: NameType = nameType('zoneName', labelProblem)
/** A key of the name server's configuration, or its namespace. */
export const keyName: NameType = nameType('key', labelProblem)
/** An address, `host:port`. */
export const addressType: NameType = nameType('address', addressProblem)

/** The type with another answer to an invalid name: Apache's answer to an unknown name. */
export function refusedAs(code: number, type: NameType): NameType {
  return nameType(type.name, type.problem, code)
}

/** Several names in one text, each of the type. */
export function severalOf(type: NameType, separator: string): FieldType<string> {
  return {
    name: `${type.name}s`,
    decode: (text, field) => {
      for (const each of text.split(separator)) type.decode(each, field)
      return text
    },
    encode: (value) => value,
  }
}
