import { boolean, optional, string } from '../schema/fields.ts'

/** Fields that any request between brokers and proxies may carry. Apache: `RpcRequestHeader.java`. */
export const rpcFields = {
  ns: optional(string, 'Namespace; set by proxies.'),
  nsd: optional(boolean, 'True when `ns` is already wrapped into the names.'),
  bname: optional(string, 'Logical broker name; set for proxies and static topics.'),
  oway: optional(boolean, 'True for a request without an answer; set by proxies.'),
}

/** `rpcFields` and what a request about a topic may carry. Apache: `TopicRequestHeader.java`. */
export const topicFields = {
  ...rpcFields,
  lo: optional(boolean, 'True when the topic is a logical one, of a static topic.'),
}
