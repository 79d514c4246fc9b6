import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { optional, required, string } from '../schema/fields.ts'
import { keyName, refusedAs } from '../schema/name-fields.ts'

/** Sets a key. */
export const PutKvConfig = defineRequest({
  code: 100,
  name: 'PUT_KV_CONFIG',
  doc: 'Sets a key.',
  source: 'PutKVConfigRequestHeader.java, DefaultRequestProcessor.java',
  header: {
    namespace: required(keyName, 'Namespace of the key, not of a topic.'),
    key: required(keyName, 'Key within the namespace.'),
    value: optional(string, 'Value of the key. Without one the key is removed.'),
  },
  reply: {},
})

/** Asks for the value of a key. */
export const GetKvConfig = defineRequest({
  code: 101,
  name: 'GET_KV_CONFIG',
  doc: 'Asks for the value of a key.',
  source: 'GetKVConfigRequestHeader.java, DefaultRequestProcessor.java',
  refusals: ['QUERY_NOT_FOUND'],
  header: {
    namespace: optional(keyName, 'Namespace of the key, not of a topic.'),
    key: optional(refusedAs(ResponseCode.QUERY_NOT_FOUND, keyName), 'Key within the namespace.'),
  },
  reply: {
    value: optional(string, 'Value of the key.'),
  },
})

/** Deletes a key. */
export const DeleteKvConfig = defineRequest({
  code: 102,
  name: 'DELETE_KV_CONFIG',
  doc: 'Deletes a key.',
  source: 'DeleteKVConfigRequestHeader.java, DefaultRequestProcessor.java',
  header: {
    namespace: optional(keyName, 'Namespace of the key, not of a topic.'),
    key: optional(keyName, 'Key within the namespace.'),
  },
  reply: {},
})

/** Asks for all keys of a namespace. */
export const GetKvlistByNamespace = defineRequest({
  code: 219,
  name: 'GET_KVLIST_BY_NAMESPACE',
  doc: 'Asks for all keys of a namespace.',
  source: 'GetKVListByNamespaceRequestHeader.java, DefaultRequestProcessor.java',
  refusals: ['QUERY_NOT_FOUND'],
  header: {
    namespace: optional(keyName, 'Namespace of the key, not of a topic.'),
  },
  reply: {},
})

/** Changes options of the running name server; the body has lines `key=value`. */
export const UpdateNamesrvConfig = defineRequest({
  code: 318,
  name: 'UPDATE_NAMESRV_CONFIG',
  doc: 'Changes options of the running name server; the body has lines `key=value`.',
  source: 'DefaultRequestProcessor.java',
  header: {},
  reply: {},
})

/** Asks for the options of the name server. */
export const GetNamesrvConfig = defineRequest({
  code: 319,
  name: 'GET_NAMESRV_CONFIG',
  doc: 'Asks for the options of the name server.',
  source: 'DefaultRequestProcessor.java',
  header: {},
  reply: {},
})
