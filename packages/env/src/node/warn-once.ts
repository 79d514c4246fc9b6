import { sentenceOf, type EventSink } from '../events.ts'

/**
 * A sink for programs without a log: the first warning or error of each kind becomes a process warning, which Node
 * prints on standard error; `--no-warnings` silences it.
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
