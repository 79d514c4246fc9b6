import { flag, jsonBody, list, maybe, number, object, text } from './shape.ts'
import { type SubscriptionData, subscriptionData } from './subscription-data.ts'

/** One entry of a consume queue. Apache: `ConsumeQueueData.java`. */
export interface ConsumeQueueData {
  /** Commit log offset, in bytes. */
  readonly physicOffset: number
  readonly physicSize: number
  readonly tagsCode: number
  /** Whether the group's subscription lets it pass. */
  readonly eval: boolean
  readonly extendDataJson?: string | undefined
  readonly bitMap?: string | undefined
  readonly msg?: string | undefined
}

/** QUERY_CONSUME_QUEUE. Apache: `QueryConsumeQueueResponseBody.java`. */
export interface QueryConsumeQueueAnswer {
  readonly queueData: readonly ConsumeQueueData[]
  readonly minQueueIndex: number
  readonly maxQueueIndex: number
  readonly subscriptionData?: SubscriptionData | undefined
  readonly filterData?: string | undefined
}

/** QueryConsumeQueueAnswer as a body. */
export const queryConsumeQueueBody = jsonBody<QueryConsumeQueueAnswer>(
  'QueryConsumeQueueResponseBody',
  object<QueryConsumeQueueAnswer>({
    queueData: list(
      object<ConsumeQueueData>({
        physicOffset: number,
        physicSize: number,
        tagsCode: number,
        eval: flag,
        extendDataJson: maybe(text),
        bitMap: maybe(text),
        msg: maybe(text),
      }),
    ),
    minQueueIndex: number,
    maxQueueIndex: number,
    subscriptionData: maybe(subscriptionData),
    filterData: maybe(text),
  }),
)
