import { Histogram, type Clock } from '@skylarkmq/env'
import { labels, type Collector, type Family, type Sample, type Turns } from './family.ts'

/** How long one turn of the event loop writes at most, ms, before others get theirs. */
const TURN_MS = 8
/** Samples between two looks at the clock. */
const SAMPLES_PER_LOOK = 32
const CHUNK_LENGTH = 64 * 1024

/** How a page is written. */
export interface PageOptions {
  readonly clock: Clock
  /** Series that one name may have. Those beyond it are one, their sum, with `otel_metric_overflow="true"`, as in Apache. */
  readonly seriesMax: number
  /** Labels of the series of those that were left out. */
  readonly common: string
  /** Takes a piece of the page; a promise when it has to wait for its reader. Rejects when there is no reader any more. */
  readonly write: (text: string) => Promise<void> | void
}

/** Writes families as text that Prometheus reads (version 0.0.4), in turns. */
export async function writePage(
  collectors: readonly Collector[],
  options: PageOptions,
): Promise<void> {
  const writer = new PageWriter(options)
  for (const collect of collectors) {
    for await (const family of collect(writer.turns)) await writer.family(family)
  }
  await writer.end()
}

class PageWriter {
  readonly turns: TimedTurns
  readonly #options: PageOptions
  readonly #leftOut = new Map<string, number>()
  readonly #seen = new Set<string>()
  #text = ''

  constructor(options: PageOptions) {
    this.#options = options
    this.turns = new TimedTurns(options.clock)
  }

  async family(family: Family): Promise<void> {
    const { name, samples } = family
    let count = 0
    let rest: number | Histogram | undefined
    for (const sample of samples) {
      if (count === 0) this.#head(family)
      count++
      if (count <= this.#options.seriesMax) this.#sample(family, sample)
      else rest = sumOf(rest, sample[1])
      if (count % SAMPLES_PER_LOOK === 0) await this.#pause()
    }
    if (rest !== undefined) {
      const overflow = labels({ otel_metric_overflow: true }, this.#options.common)
      this.#sample(family, [overflow, rest])
      this.#leftOut.set(name, count - this.#options.seriesMax)
    }
    await this.#pause()
  }

  async end(): Promise<void> {
    const { common } = this.#options
    const samples = [...this.#leftOut].map(([name, count]): Sample => [
      labels({ family: name }, common),
      count,
    ])
    await this.family({
      name: 'skylark_metrics_series_left_out',
      type: 'gauge',
      help: 'Series beyond the limit of their name, which are summed up in one (metricsOtelCardinalityLimit).',
      samples,
    })
    await this.#flush()
  }

  #head({ name, type, help }: Family): void {
    // Two roles of one process may have the same names; a name is described once.
    if (this.#seen.has(name)) return
    this.#seen.add(name)
    this.#text += `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, ' ')}\n# TYPE ${name} ${type}\n`
  }

  #sample({ name, scale = 1 }: Family, [of, value]: Sample): void {
    if (typeof value === 'number') {
      this.#text += of === '' ? `${name} ${numeral(value)}\n` : `${name}{${of}} ${numeral(value)}\n`
      return
    }
    let count = 0
    let text = ''
    const before = `${name}_bucket{${of}${of === '' ? '' : ','}le="`
    const bounds = boundTexts(value.bounds, scale)
    for (let i = 0; i < value.counts.length; i++) {
      count += value.counts[i] as number
      text += `${before}${bounds[i]}"} ${count}\n`
    }
    const braced = of === '' ? '' : `{${of}}`
    this.#text += `${text}${name}_sum${braced} ${numeral(value.sum * scale)}\n${name}_count${braced} ${count}\n`
  }

  async #pause(): Promise<void> {
    if (this.#text.length >= CHUNK_LENGTH) await this.#flush()
    if (this.turns.isOver) await this.turns.next()
  }

  async #flush(): Promise<void> {
    const text = this.#text
    this.#text = ''
    if (text !== '') await this.#options.write(text)
  }
}

function sumOf(before: number | Histogram | undefined, value: number | Histogram) {
  if (typeof value === 'number') return (typeof before === 'number' ? before : 0) + value
  const sum = before instanceof Histogram ? before : new Histogram(value.bounds)
  sum.merge(value)
  return sum
}

const boundsAsText = new WeakMap<readonly number[], readonly string[]>()

/** The bounds, and `+Inf`. Whole numbers as Apache writes them, with a zero: queries name them. */
function boundTexts(bounds: readonly number[], scale: number): readonly string[] {
  const known = boundsAsText.get(bounds)
  if (known !== undefined) return known
  const texts = bounds.map((bound) => {
    const scaled = Number((bound * scale).toPrecision(12))
    return Number.isInteger(scaled) ? `${scaled}.0` : String(scaled)
  })
  texts.push('+Inf')
  boundsAsText.set(bounds, texts)
  return texts
}

function numeral(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

class TimedTurns implements Turns {
  readonly #clock: Clock
  #sinceMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sinceMs = clock.monotonic()
  }

  get isOver(): boolean {
    return this.#clock.monotonic() - this.#sinceMs >= TURN_MS
  }

  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#clock.after(0, resolve)
    })
    this.#sinceMs = this.#clock.monotonic()
  }
}
