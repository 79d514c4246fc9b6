import { isSystemGroup } from './group.ts'
import { DLQ_PREFIX, RETRY_PREFIX, isSystemTopic } from './topic.ts'

/** Between a namespace and the name in it. */
const SEPARATOR = '%'

interface Parts {
  /** `%RETRY%`, `%DLQ%` or nothing. */
  readonly prefix: string
  readonly rest: string
}

function split(resource: string): Parts {
  for (const prefix of [RETRY_PREFIX, DLQ_PREFIX]) {
    if (resource.startsWith(prefix)) return { prefix, rest: resource.slice(prefix.length) }
  }
  return { prefix: '', rest: resource }
}

function isSystemResource(resource: string): boolean {
  return isSystemTopic(resource) || isSystemGroup(resource)
}

/**
 * Puts a topic or group into a namespace: `T` in `N` is `N%T`, `%RETRY%G` is `%RETRY%N%G`. System
 * resources and what is in the namespace already stay as they are. Apache: `NamespaceUtil.java`.
 */
export function wrapNamespace(namespace: string | undefined, resource: string): string {
  if (namespace === undefined || namespace === '' || resource === '') return resource
  if (isSystemResource(resource)) return resource
  const { prefix, rest } = split(resource)
  if (rest.startsWith(namespace + SEPARATOR)) return resource
  return prefix + namespace + SEPARATOR + rest
}

/**
 * Takes a topic or group out of its namespace. With `namespace`, only out of that one: a resource of
 * another stays as it is.
 */
export function withoutNamespace(resource: string, namespace?: string): string {
  if (namespace === '') return resource
  if (namespace === undefined && isSystemResource(resource)) return resource
  const { prefix, rest } = split(resource)
  if (namespace !== undefined && !rest.startsWith(namespace + SEPARATOR)) return resource
  const at = rest.indexOf(SEPARATOR)
  return at > 0 ? prefix + rest.slice(at + 1) : resource
}

/** The namespace of a topic or group; empty when it has none. */
export function namespaceOf(resource: string): string {
  if (isSystemResource(resource)) return ''
  const { rest } = split(resource)
  const at = rest.indexOf(SEPARATOR)
  return at > 0 ? rest.slice(0, at) : ''
}
