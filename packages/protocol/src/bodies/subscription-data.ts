import { clientIdName, groupName, topicName } from '../schema/name-fields.ts'
import { javaHash } from '../message/java-hash.ts'
import {
  type Shape,
  flag,
  int,
  jsonBody,
  list,
  maybe,
  named,
  number,
  object,
  text,
} from './shape.ts'

/** What a group wants of a topic. Apache: `SubscriptionData.java`. */
export interface SubscriptionData {
  readonly topic: string
  /** The expression as written; `*` is everything. */
  readonly subString: string
  /** The tags of a tag expression; empty for everything and for SQL92. */
  readonly tagsSet: readonly string[]
  /** `javaHash` of each tag. */
  readonly codeSet: readonly number[]
  /** When it was made, ms; the newer one counts. */
  readonly subVersion: number
  /** TAG or SQL92. */
  readonly expressionType: string
  readonly classFilterMode: boolean
}

/** The expression that wants everything. */
export const SUBSCRIBE_ALL = '*'

const expressionType: Shape<string> = {
  read: (value, at) => (value === undefined || value === null ? 'TAG' : text.read(value, at)),
}

/** How a SubscriptionData is read from JSON whose topic has this shape. */
export const subscriptionOf = (topic: Shape<string>): Shape<SubscriptionData> =>
  object<SubscriptionData>({
    topic,
    subString: text,
    tagsSet: list(text),
    codeSet: list(int),
    subVersion: number,
    expressionType,
    classFilterMode: flag,
  })

/** How a SubscriptionData is read from JSON. */
export const subscriptionData: Shape<SubscriptionData> = subscriptionOf(named(topicName))

/**
 * Builds the subscription of an expression: tags separated by `||`, with their hashes; `*`, nothing or blanks mean
 * everything. A type other than TAG is kept as it is. Apache: `FilterAPI.java`.
 */
export function parseSubscription(
  topic: string,
  expression: string | undefined,
  type = 'TAG',
  subVersion = 0,
): SubscriptionData {
  const common = { topic, subVersion, expressionType: type, classFilterMode: false }
  const isAll = expression === undefined || expression === '' || expression === SUBSCRIBE_ALL
  if (type !== 'TAG' || isAll) {
    const subString = type === 'TAG' ? SUBSCRIBE_ALL : (expression ?? '')
    return { ...common, subString, tagsSet: [], codeSet: [] }
  }
  const tags = expression.split('||').map((tag) => tag.trim())
  const tagsSet = [...new Set(tags.filter((tag) => tag !== ''))]
  const codeSet = [...new Set(tagsSet.map(javaHash))]
  return { ...common, subString: expression, tagsSet, codeSet }
}

/** CHECK_CLIENT_CONFIG. Apache: `CheckClientRequestBody.java`. */
export interface CheckClientRequest {
  readonly clientId: string
  readonly group: string
  readonly subscriptionData: SubscriptionData
  readonly namespace?: string | undefined
}

/** CheckClientRequest as a body. */
export const checkClientRequestBody = jsonBody<CheckClientRequest>(
  'CheckClientRequestBody',
  object<CheckClientRequest>({
    clientId: named(clientIdName),
    group: named(groupName),
    subscriptionData,
    namespace: maybe(text),
  }),
)

/** QUERY_SUBSCRIPTION_BY_CONSUMER. Apache: `QuerySubscriptionResponseBody.java`. */
export interface QuerySubscriptionAnswer {
  readonly group: string
  readonly topic: string
  readonly subscriptionData?: SubscriptionData | undefined
}

/** QuerySubscriptionAnswer as a body. */
export const querySubscriptionBody = jsonBody<QuerySubscriptionAnswer>(
  'QuerySubscriptionResponseBody',
  object<QuerySubscriptionAnswer>({
    group: text,
    topic: text,
    subscriptionData: maybe(subscriptionData),
  }),
)
