import type { MessageHandler } from '@nestjs/microservices'
import type { SqlSelector } from '@skylarkmq/client'
import type { HandlerOptions } from './patterns.ts'

/** A method of a controller, and what it wants. */
export interface Handler {
  readonly topic: string
  readonly callback: MessageHandler
  /** It consumes; else it answers. */
  readonly isEvent: boolean
  readonly options: HandlerOptions
}

/** The handlers of one consumer group. */
export interface GroupRoutes {
  readonly group: string
  /** What the group wants of each topic. */
  readonly subscriptions: Readonly<Record<string, string | SqlSelector>>
  readonly handlers: readonly Handler[]
}

/**
 * Shares handlers out to consumer groups. Handlers of one topic share its subscription: it has the tags of all of them.
 * Throws when one of several handlers of a topic wants a SQL92 expression, for the broker filters by one alone.
 */
export function routesOf(handlers: readonly Handler[], ownGroup: string): GroupRoutes[] {
  const byGroup = new Map<string, Handler[]>()
  for (const handler of handlers) {
    const group = handler.options.group ?? ownGroup
    const list = byGroup.get(group) ?? []
    list.push(handler)
    byGroup.set(group, list)
  }
  return [...byGroup].map(([group, all]) => {
    const topics = [...new Set(all.map(({ topic }) => topic))]
    const subscriptions = topics.map((topic) => {
      const same = all.filter((handler) => handler.topic === topic)
      return [topic, subscriptionOf(topic, same)] as const
    })
    return { group, subscriptions: Object.fromEntries(subscriptions), handlers: all }
  })
}

function subscriptionOf(topic: string, handlers: readonly Handler[]): string | SqlSelector {
  const [only] = handlers
  const sql = handlers.find(({ options }) => options.sql !== undefined)?.options.sql
  if (sql !== undefined) {
    if (handlers.length === 1 && only?.options.tag === undefined) return { sql }
    throw new Error(
      `several handlers of ${topic} cannot share a SQL92 expression: give one of them a group of its own`,
    )
  }
  const tags = new Set(handlers.flatMap(({ options }) => tagsOf(options.tag)))
  return tags.has('*') ? '*' : [...tags].join(' || ')
}

function tagsOf(expression = '*'): string[] {
  return expression.split('||').map((tag) => tag.trim())
}

/** Whether a handler wants messages of a tag. */
export function wants({ options }: Handler, tag: string | undefined): boolean {
  const tags = tagsOf(options.tag)
  return tags.includes('*') || (tag !== undefined && tags.includes(tag))
}
