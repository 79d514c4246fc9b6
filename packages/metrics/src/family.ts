import type { Histogram } from '@skylarkmq/env'

/** One series: labels as text, and a number or a histogram. */
export type Sample = readonly [labels: string, value: number | Histogram]

/** The series of one name. */
export interface Family {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly help: string
  readonly samples: Iterable<Sample>
  /** What a histogram's values are multiplied with, so that ms become seconds; 1 when it is not given. */
  readonly scale?: number
}

/** Gives families one by one; may wait between them. */
export type Collector = (turns: Turns) => Iterable<Family> | AsyncIterable<Family>

/** Has the event loop serve others during what takes long. */
export interface Turns {
  /** Whether this turn has taken long enough. */
  readonly isOver: boolean
  /** Resolves in a later turn. */
  next(): Promise<void>
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }

/** A label's value as it is written between quotes; controls that are no line end become spaces. */
function escaped(value: string): string {
  // Names of topics and groups have nothing to escape.
  if (/^[\w%|@.:-]*$/.test(value)) return value
  const plain = value.replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, ' ')
  return plain.replace(/[\\"\n]/g, (each) => ESCAPES[each] ?? each)
}

/** `a="1",b="2"`; what is `before` comes first. */
export function labels(values: Readonly<Record<string, string | boolean>>, before = ''): string {
  let text = before
  for (const name in values) {
    text += `${text === '' ? '' : ','}${name}="${escaped(String(values[name]))}"`
  }
  return text
}

/** A family of one series. */
export function single(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  of: string,
  value: number,
): Family {
  return { name, type, help, samples: [[of, value]] }
}
