import { MessageError } from '../errors.ts'
import { isMap, type Message, type ReceivedMessage } from '../message.ts'
import { nearNames } from '../route/near-names.ts'
import { isObject, shown } from './check-options.ts'

type Known = { readonly [K in keyof Required<Message>]: true }

const KNOWN: Known = {
  ...{ topic: true, body: true, tag: true, keys: true, shardingKey: true, properties: true },
  ...{ delay: true, deliverAt: true, delayLevel: true, flag: true },
}
const NAMES = Object.keys(KNOWN)

/** What a message that was received has besides, and who sends it on may leave in it. */
const RECEIVED: { readonly [K in Exclude<keyof ReceivedMessage, keyof Message>]: true } = {
  ...{ msgId: true, offsetMsgId: true, messageQueue: true, queueOffset: true },
  ...{ physicalOffset: true, bornTimestamp: true, storeTimestamp: true, bornHost: true },
  ...{ storeHost: true, reconsumeTimes: true, sysFlag: true, storeSize: true },
}

/** Names of other clients, and what they are here. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  ...{ tags: 'tag', key: 'keys', value: 'body', payload: 'body', data: 'body' },
  ...{ headers: 'properties', userProperties: 'properties', attributes: 'properties' },
  ...{ messageGroup: 'shardingKey', delayTimeLevel: 'delayLevel', delayMs: 'delay' },
  ...{ deliveryTimestamp: 'deliverAt', deliverTime: 'deliverAt' },
}

/** Throws RMQ_MESSAGE for what a compiler would have refused; programs in JavaScript have none. */
export function checkMessage(message: unknown): asserts message is Message<unknown> {
  if (!isObject(message)) throw wrong(`${shown(message)} is no message`)
  for (const name in message) {
    if (Object.hasOwn(KNOWN, name) || message[name] === undefined) continue
    if (!Object.hasOwn(RECEIVED, name)) checkName(name)
  }
  const { keys, tag, shardingKey, properties, delayLevel, delay, deliverAt, flag } = message
  if (tag !== undefined) mustBeText('tag', tag)
  if (shardingKey !== undefined) mustBeText('shardingKey', shardingKey)
  if (keys !== undefined) checkKeys(keys)
  if (properties !== undefined) checkProperties(properties)
  if (flag !== undefined && !Number.isInteger(flag)) {
    throw wrong(`flag is ${shown(flag)}, not a whole number`)
  }
  if (delayLevel === undefined && delay === undefined && deliverAt === undefined) return
  checkDelay(delayLevel, delay, deliverAt)
}

/** A name that is near to one of a message is a mistake; others may be the application's own. */
function checkName(name: string): void {
  const other = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : nearNames(name, NAMES)[0]
  if (other === undefined) return
  throw wrong(`a message has no ${name}: it is ${other} here`)
}

function mustBeText(name: string, value: unknown): void {
  if (typeof value !== 'string') throw wrong(`${name} is ${shown(value)}, not text`)
}

function checkKeys(keys: unknown): void {
  if (typeof keys === 'string') return
  if (!Array.isArray(keys)) throw wrong(`keys is ${shown(keys)}, neither text nor a list of texts`)
  for (const key of keys as unknown[]) {
    mustBeText('one of the keys', key)
    if (/\s/.test(key as string)) {
      throw wrong(`the key ${shown(key)} holds a blank, which stands between keys`)
    }
  }
}

function checkProperties(properties: unknown): void {
  if (!isObject(properties) || Array.isArray(properties)) {
    throw wrong(`properties is ${shown(properties)}, not an object of texts`)
  }
  if (isMap(properties)) {
    for (const [name, value] of properties) checkProperty(name, value)
    return
  }
  for (const name in properties) checkProperty(name, properties[name])
}

function checkProperty(name: unknown, value: unknown): void {
  if (typeof name !== 'string') throw wrong(`the name of a property is ${shown(name)}, not text`)
  if (typeof value === 'string') return
  throw wrong(`the property ${JSON.stringify(name)} is ${shown(value)}, not text`)
}

function checkDelay(delayLevel: unknown, delay: unknown, deliverAt: unknown): void {
  const isLevel = delayLevel !== undefined && delayLevel !== 0
  if ([isLevel, delay !== undefined, deliverAt !== undefined].filter(Boolean).length > 1) {
    throw wrong('delay, deliverAt and delayLevel exclude one another')
  }
  if (isLevel && !(Number.isInteger(delayLevel) && (delayLevel as number) > 0)) {
    throw wrong(`delayLevel is ${shown(delayLevel)}, not a whole number from 0 on`)
  }
  const atMs = deliverAt === undefined ? 0 : Number(deliverAt)
  if (!(atMs >= 0 && atMs <= Number.MAX_SAFE_INTEGER)) {
    throw wrong(`deliverAt is ${shown(deliverAt)}, neither a Date nor ms since 1970`)
  }
}

function wrong(problem: string): MessageError {
  return new MessageError({ problem })
}
