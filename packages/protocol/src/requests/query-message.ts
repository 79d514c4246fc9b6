import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import {
  boolean,
  int32,
  int64,
  optional,
  orElse,
  required,
  string,
  timestampMs,
} from '../schema/fields.ts'
import { refusedAs, topicName } from '../schema/name-fields.ts'
import { topicFields } from './common-fields.ts'

/** Finds messages by a key or by their unique key. */
export const QueryMessage = defineRequest({
  code: 12,
  name: 'QUERY_MESSAGE',
  doc: 'Finds messages by a key or by their unique key.',
  source: 'QueryMessageRequestHeader.java, QueryMessageProcessor.java',
  refusals: ['QUERY_NOT_FOUND'],
  header: {
    ...topicFields,
    topic: orElse(
      refusedAs(ResponseCode.QUERY_NOT_FOUND, topicName),
      '',
      'Topic, with the namespace already wrapped in.',
    ),
    key: orElse(string, '', 'One of the message keys, or the unique key.'),
    maxNum: required(int32, 'How many messages at most.'),
    beginTimestamp: required(timestampMs, 'Stored at this time or later, ms.'),
    endTimestamp: required(timestampMs, 'Stored at this time or earlier, ms.'),
    uniqueKeyQuery: optional(boolean, 'True when `key` is a unique key.'),
  },
  reply: {
    indexLastUpdateTimestamp: required(
      timestampMs,
      'Store time of the newest indexed message, ms.',
    ),
    indexLastUpdatePhyoffset: required(int64, 'Commit log offset of the newest indexed message.'),
  },
  wireNames: { uniqueKeyQuery: '_UNIQUE_KEY_QUERY' },
})

/** Reads the message at an offset of the commit log. */
export const ViewMessageById = defineRequest({
  code: 33,
  name: 'VIEW_MESSAGE_BY_ID',
  doc: 'Reads the message at an offset of the commit log.',
  source: 'ViewMessageRequestHeader.java',
  header: {
    ...topicFields,
    offset: required(int64, 'Commit log offset, in bytes.'),
    topic: optional(topicName, 'Topic, with the namespace already wrapped in.'),
  },
  reply: {},
})
