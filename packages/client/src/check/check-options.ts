import { OptionError } from '../errors.ts'
import { nearNames } from '../route/near-names.ts'

/** What is wrong with a value, as the end of a sentence; undefined when nothing is. */
export type Check = (value: unknown) => string | undefined

/** What may be given: a check for each option. A misspelt name is refused, and the right one named. */
export interface KnownOptions<O> {
  readonly checks: { readonly [K in keyof Required<O>]: Check }
  /** Names that other clients have for an option, each with the name here. */
  readonly otherNames?: Readonly<Record<string, string>>
  /** What to do about a name that stands for no option, by name. */
  readonly advice?: Readonly<Record<string, string>>
}

/** Throws RMQ_OPTION for the first option that is unknown or cannot be; `undefined` stands for the default. */
export function checkOptions<O extends object>(given: O, known: KnownOptions<NoInfer<O>>): void {
  if (!isObject(given) || Array.isArray(given)) {
    throw new OptionError({ option: 'options', problem: `${shown(given)} is no object` })
  }
  const checks: Readonly<Record<string, Check | undefined>> = known.checks
  for (const [option, value] of Object.entries(given)) {
    if (value === undefined) continue
    const check = Object.hasOwn(checks, option) ? checks[option] : undefined
    if (check === undefined) throw unknownOption(option, known)
    const problem = check(value)
    if (problem !== undefined) throw new OptionError({ option, problem })
  }
}

function unknownOption<O>(
  option: string,
  { checks, otherNames = {}, advice = {} }: KnownOptions<O>,
): OptionError {
  const problem = 'there is no such option here'
  const names = Object.keys(checks)
  if (Object.hasOwn(advice, option)) {
    return new OptionError({ option, problem, advice: advice[option] })
  }
  const other = Object.hasOwn(otherNames, option) ? otherNames[option] : undefined
  const similar = other === undefined ? nearNames(option, names) : [other]
  const meant =
    similar.length > 0
      ? `Did you mean ${similar.join(' or ')}?`
      : `There are: ${[...names].sort().join(', ')}.`
  return new OptionError({ option, problem, advice: meant })
}

/** A value as a message shows it: short, and on one line. Never throws. */
export function shown(value: unknown): string {
  try {
    return plainlyShown(value)
  } catch {
    return 'an object'
  }
}

function plainlyShown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'number' || typeof value === 'bigint' || value === undefined) {
    return String(value)
  }
  if (value instanceof Date) return Number.isNaN(Number(value)) ? 'an invalid Date' : 'a Date'
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value) ? 'a list' : 'an object'
  }
  const text = JSON.stringify(value) as string | undefined
  return (text ?? typeof value).slice(0, 60)
}

/** Text that is not empty. */
export const text: Check = (value) =>
  typeof value === 'string' && value.trim() !== '' ? undefined : `${shown(value)} is no text`

/** Text that may be empty. */
export const anyText: Check = (value) =>
  typeof value === 'string' ? undefined : `${shown(value)} is no text`

/** True or false. */
export const flag: Check = (value) =>
  typeof value === 'boolean' ? undefined : `${shown(value)} is neither true nor false`

/** A function. */
export const callback: Check = (value) =>
  typeof value === 'function' ? undefined : `${shown(value)} is no function`

/** An AbortSignal, of whatever realm. */
export const abortSignal: Check = (value) =>
  isObject(value) && typeof value['throwIfAborted'] === 'function'
    ? undefined
    : `${shown(value)} is no AbortSignal`

/** Anything: it is looked at elsewhere. */
export const any: Check = () => undefined

/** An object with these functions. */
export function withMethods(...names: string[]): Check {
  return (value) => {
    const lacking = isObject(value) ? names.find((name) => typeof value[name] !== 'function') : ''
    if (lacking === undefined) return undefined
    return `${shown(value)} has no function ${lacking === '' ? names.join(', ') : lacking}`
  }
}

/** A whole number in these bounds; `most` may be Infinity, and then Infinity may be given. */
export function count(least: number, most = Number.MAX_SAFE_INTEGER): Check {
  return (value) => {
    const isIn = typeof value === 'number' && value >= least && value <= most
    if (isIn && (Number.isInteger(value) || value === Infinity)) return undefined
    return `${shown(value)} is no whole number ${bounds(least, most)}`
  }
}

/** Timers of Node count to here; with more they fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1

/** A time, ms. */
export function ms(least: number, most = TIMER_MAX_MS): Check {
  return (value) =>
    typeof value === 'number' && value >= least && value <= most
      ? undefined
      : `${shown(value)} is no number of ms ${bounds(least, most)}`
}

/** One of these texts. */
export function oneOf(...texts: string[]): Check {
  return (value) =>
    typeof value === 'string' && texts.includes(value)
      ? undefined
      : `${shown(value)} is none of ${texts.map((each) => `'${each}'`).join(', ')}`
}

/** Whether a value is an object whose members may be looked at. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function bounds(least: number, most: number): string {
  const isOpen = most === Infinity || most >= TIMER_MAX_MS
  return isOpen ? `from ${least} on` : `from ${least} to ${most}`
}
