import type { TopicConfig } from '@skylarkmq/protocol'

interface TopicAttribute {
  /** Whether it can be set, altered and removed once the topic is there. */
  readonly isChangeable: boolean
  /** What is wrong with a value, as a sentence. */
  readonly problem: (value: string) => string | undefined
}

function oneOf(...values: string[]): TopicAttribute['problem'] {
  return (value) =>
    values.includes(value) ? undefined : `value is not in set: [${values.join(', ')}]`
}

/** Attributes that a topic may have, and their values. Apache: `TopicAttributes.java`. */
const TOPIC_ATTRIBUTES: Readonly<Record<string, TopicAttribute>> = {
  'queue.type': { isChangeable: false, problem: oneOf('BatchCQ', 'SimpleCQ') },
  'cleanup.policy': { isChangeable: false, problem: oneOf('DELETE', 'COMPACTION') },
  'message.type': {
    isChangeable: true,
    problem: oneOf('UNSPECIFIED', 'NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'MIXED'),
  },
  'reserve.time': {
    isChangeable: true,
    problem: (value) =>
      /^(-1|\d{1,19})$/.test(value) ? undefined : 'value is not in range(-1, ...)',
  },
}

/**
 * Reads a change of attributes, `+message.type=FIFO,-reserve.time`, and returns the attributes with it, or a
 * sentence that says what is wrong. `before` is undefined for a topic that is made.
 * Apache: `AttributeParser.java`, `AttributeUtil.java`.
 */
export function changeAttributes(
  before: Readonly<Record<string, string>> | undefined,
  change: string | undefined,
): Record<string, string> | string {
  const after = { ...before }
  for (const item of (change ?? '').split(',').map((each) => each.trim())) {
    if (item === '') continue
    const [key = '', value] = item
      .slice(1)
      .split('=')
      .map((each) => each.trim())
    const isAdded = item.startsWith('+') && value !== undefined
    if (!isAdded && !item.startsWith('-')) return `add/alter attribute format is wrong: ${item}`
    const attribute = TOPIC_ATTRIBUTES[key]
    if (attribute === undefined) return `unsupported key: ${key}`
    if (before === undefined && !isAdded)
      return `only add attribute is supported while creating topic. key: ${key}`
    if (!isAdded && before?.[key] === undefined)
      return `attempt to delete a nonexistent key: ${key}`
    if (before !== undefined && !attribute.isChangeable)
      return `attempt to update an unchangeable attribute. key: ${key}`
    const problem = isAdded ? attribute.problem(value) : undefined
    if (problem !== undefined) return problem
    if (isAdded) after[key] = value
    else delete after[key]
  }
  return after
}

/** Whether batches to a topic are stored as one record each. Apache: `QueueTypeUtils.java`, isBatchCq. */
export function isBatchTopic(topic: TopicConfig | undefined): boolean {
  return topic?.attributes['queue.type'] === 'BatchCQ'
}
