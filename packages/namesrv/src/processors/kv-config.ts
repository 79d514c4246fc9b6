import {
  kvTableBody,
  parsePropertiesText,
  ResponseCode,
  type DeleteKvConfig,
  type GetKvConfig,
  type GetKvlistByNamespace,
  type GetNamesrvConfig,
  type Option,
  type PutKvConfig,
  type UpdateNamesrvConfig,
} from '@skylarkmq/protocol'
import { OK, refuse, type Processor } from '@skylarkmq/remoting'
import type { NameServerContext } from '../name-server-context.ts'
import { namesrvOptions } from '../options.ts'

type AnyOption = Omit<Option<unknown>, 'print'>
const table: Readonly<Record<string, AnyOption | undefined>> = namesrvOptions

/** PUT_KV_CONFIG: sets a key and saves it. */
export const putKvConfig: Processor<NameServerContext, typeof PutKvConfig> = (
  { kv },
  { header: { namespace, key, value } },
) => {
  // Apache stores a key without a value, and answers as if it did not exist.
  const saved = value === undefined ? kv.delete(namespace, key) : kv.put(namespace, key, value)
  return saved === undefined ? OK : saved.then(() => OK)
}

/** GET_KV_CONFIG: the value of a key. */
export const getKvConfig: Processor<NameServerContext, typeof GetKvConfig> = (
  { kv },
  { header: { namespace, key } },
) => {
  const value = namespace === undefined || key === undefined ? undefined : kv.get(namespace, key)
  if (value !== undefined) return { code: ResponseCode.SUCCESS, header: { value } }
  const remark = `No config item, Namespace: ${namespace ?? 'null'} Key: ${key ?? 'null'}`
  return { code: ResponseCode.QUERY_NOT_FOUND, remark, header: {} }
}

/** DELETE_KV_CONFIG: removes a key. */
export const deleteKvConfig: Processor<NameServerContext, typeof DeleteKvConfig> = (
  { kv },
  { header: { namespace, key } },
) => {
  const saved = namespace === undefined || key === undefined ? undefined : kv.delete(namespace, key)
  return saved === undefined ? OK : saved.then(() => OK)
}

/** GET_KVLIST_BY_NAMESPACE: all keys of a namespace. */
export const getKvListByNamespace: Processor<NameServerContext, typeof GetKvlistByNamespace> = (
  { kv },
  { header: { namespace } },
) => {
  const table = namespace === undefined ? undefined : kv.list(namespace)
  if (table !== undefined)
    return { code: ResponseCode.SUCCESS, body: kvTableBody.encode({ table }) }
  return refuse(ResponseCode.QUERY_NOT_FOUND, `No config item, Namespace: ${namespace ?? 'null'}`)
}

/**
 * UPDATE_NAMESRV_CONFIG: sets live keys from a properties text, all or none; paths and the black list cannot be
 * changed.
 */
export const updateNamesrvConfig: Processor<NameServerContext, typeof UpdateNamesrvConfig> = (
  { config },
  { body },
) => {
  if (body === undefined) return OK
  const blackList = new Set([
    ...config.configBlackList.split(';'),
    'configBlackList',
    'rocketmqHome',
  ])
  const parsed = new Map<string, unknown>()
  for (const [key, text] of parsePropertiesText(body.toString('utf8'))) {
    if (blackList.has(key) || /[pP]ath$/.test(key)) {
      return refuse(ResponseCode.NO_PERMISSION, `Can not update config in black list: ${key}`)
    }
    const option = table[key]
    if (option === undefined) continue
    // Limits protect against those who can send this request.
    if (option.isQuiet === true) {
      return refuse(ResponseCode.NO_PERMISSION, `${key} can only be changed at a start`)
    }
    const result = option.parse(text)
    if ('problem' in result) return refuse(ResponseCode.SYSTEM_ERROR, `${key}: ${result.problem}`)
    parsed.set(key, result.value)
  }
  for (const [key, value] of parsed) (config as Record<string, unknown>)[key] = value
  return OK
}

/** GET_NAMESRV_CONFIG: every key as a line `key=value`; Skylark's own keys only when they are set. */
export const getNamesrvConfig: Processor<NameServerContext, typeof GetNamesrvConfig> = ({
  config,
}) => {
  const lines = Object.entries(config).flatMap(([key, value]) => {
    const option = table[key]
    return option?.isQuiet === true && value === option.default ? [] : [`${key}=${String(value)}`]
  })
  return { code: ResponseCode.SUCCESS, body: Buffer.from(`${lines.sort().join('\n')}\n`) }
}
