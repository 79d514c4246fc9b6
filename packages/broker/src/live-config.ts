import type { OptionTable } from '@skylarkmq/protocol'

/** Keys that no request may change, whatever the configuration says: paths, credentials, the list itself. */
const NEVER = new Set(['rocketmqHome', 'brokerConfigPath', 'configBlackList'])

/** How a change of the configuration ended. */
export type ConfigChange =
  | { readonly kind: 'changed'; readonly keys: readonly string[] }
  | { readonly kind: 'forbidden'; readonly key: string }
  | { readonly kind: 'bad'; readonly key: string; readonly problem: string }

/** The configuration as requests see it. */
export class LiveConfig {
  readonly #options: OptionTable
  readonly #values: Record<string, unknown>

  readonly #keys: readonly string[]
  #printed: { of: readonly unknown[]; text: string } = { of: [], text: '' }
  readonly #inEffect: () => Readonly<Record<string, string>>

  /**
   * `values` is shared with the broker: what changes here takes effect there. `inEffect` says what holds for keys that
   * have their default.
   */
  constructor(
    options: OptionTable,
    values: Record<string, unknown>,
    inEffect: () => Readonly<Record<string, string>> = () => ({}),
  ) {
    this.#options = options
    this.#keys = Object.keys(options)
    this.#values = values
    this.#inEffect = inEffect
  }

  /** Every key and its value as text, sorted; what GET_BROKER_CONFIG answers. Made again when a value has changed. */
  print(): string {
    const inEffect = this.#inEffect()
    const values = [...this.#keys.map((key) => this.#values[key]), ...Object.values(inEffect)]
    const { of, text } = this.#printed
    if (text !== '' && values.every((value, i) => value === of[i])) return text
    this.#printed = { of: values, text: this.#text(inEffect) }
    return this.#printed.text
  }

  #text(inEffect: Readonly<Record<string, string>>): string {
    const lines = Object.entries(this.#options).flatMap(([key, option]) => {
      const value: unknown = this.#values[key] ?? option.default
      const instead = value === option.default || value === '' ? inEffect[key] : undefined
      if (instead !== undefined) return [`${key}=${instead}`]
      if (option.isQuiet === true && value === option.default) return []
      return [`${key}=${(option.print as (value: unknown) => string)(value)}`]
    })
    return `${lines.sort().join('\n')}\n`
  }

  #blackList(): Set<string> {
    const text = this.#values['configBlackList']
    return new Set(typeof text === 'string' ? text.split(';') : [])
  }

  /**
   * Changes keys while the broker runs: all of them, or none. Unknown keys are passed over, as in Apache. A
   * path or a black-listed key is forbidden; a key that takes effect only at a start is bad, because to say yes
   * and continue as before would mislead.
   */
  change(wanted: ReadonlyMap<string, string>): ConfigChange {
    const blackList = this.#blackList()
    const parsed = new Map<string, unknown>()
    for (const [key, text] of wanted) {
      if (NEVER.has(key) || blackList.has(key)) return { kind: 'forbidden', key }
      const option = this.#options[key]
      if (option === undefined) continue
      if (/[pP]ath|File$/.test(key) && option.kind === 'text') return { kind: 'forbidden', key }
      const result = option.parse(text)
      if ('problem' in result) return { kind: 'bad', key, problem: result.problem }
      if (
        option.kind !== 'ignored' &&
        option.applies === 'start' &&
        result.value !== this.#values[key]
      ) {
        const problem =
          'it takes effect only at a start: set it in broker.conf and start the broker again'
        return { kind: 'bad', key, problem }
      }
      parsed.set(key, result.value)
    }
    const keys = [...parsed.keys()].filter((key) => this.#options[key]?.applies === 'live')
    for (const [key, value] of parsed) this.#values[key] = value
    return { kind: 'changed', keys }
  }
}
