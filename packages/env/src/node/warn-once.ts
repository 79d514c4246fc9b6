import { sentenceOf, type EventSink } from '../events.ts'

/**
 * A sink for programs that have no log: the first event of each kind that is a warning or an error becomes a warning of
 * the process, which Node prints on standard error; `--no-warnings` silences it.
 */
export function warnOnce(): EventSink {
  const told = new Set<string>()
  return {
    emit: (definition, values) => {
      const { name, level } = definition
      if (level === 'debug' || level === 'info' || told.has(name)) return
      told.add(name)
      process.emitWarning(sentenceOf(definition, values), { type: 'RocketMQ', code: name })
    },
  }
}
