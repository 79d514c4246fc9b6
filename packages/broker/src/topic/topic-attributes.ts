/** Attributes that a topic may have, and their values. Apache: `TopicAttributes.java`. */
const TOPIC_ATTRIBUTES: Readonly<Record<string, (value: string) => boolean>> = {
  'queue.type': (value) => ['SimpleCQ', 'BatchCQ', 'RocksDBCQ'].includes(value),
  'cleanup.policy': (value) => ['DELETE', 'COMPACTION'].includes(value),
  'message.type': (value) =>
    ['UNSPECIFIED', 'NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'MIXED'].includes(value),
  'reserve.time': (value) => /^-?\d+$/.test(value),
}

/**
 * Reads a change of attributes, `+message.type=FIFO,-reserve.time`, and returns the attributes with it, or a
 * sentence that says what is wrong. Apache: `AttributeParser.java`, `AttributeUtil.java`.
 */
export function changeAttributes(
  before: Readonly<Record<string, string>>,
  change: string | undefined,
): Record<string, string> | string {
  const after = { ...before }
  for (const item of (change ?? '').split(',').map((each) => each.trim())) {
    if (item === '') continue
    const [key = '', value] = item
      .slice(1)
      .split('=')
      .map((each) => each.trim())
    const isValid = TOPIC_ATTRIBUTES[key]
    if (isValid === undefined) return `unsupported key: ${key}`
    if (item.startsWith('-')) {
      delete after[key]
    } else if (!item.startsWith('+') || value === undefined) {
      return `add/alter attribute format is wrong: ${item}`
    } else if (!isValid(value)) {
      return `value is not in set or range: ${key}=${value}`
    } else after[key] = value
  }
  return after
}
