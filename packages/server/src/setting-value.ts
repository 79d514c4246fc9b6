import type { Option } from '@skylarkmq/protocol'

/** A value as it was read, with what there is to say of that; or what is wrong with it. */
export type ReadValue =
  | { readonly value: unknown; readonly kind?: 'comment' | 'adjusted'; readonly says?: string }
  | { readonly problem: string }

/** Keys whose value is one address or several. */
const ADDRESSES: ReadonlySet<string> = new Set([
  'brokerIP1',
  'brokerIP2',
  'namesrvAddr',
  'bindAddress',
  'haMasterAddress',
])
const COMMENT = 'the comment behind the value is not part of it here; Apache would take it for one'

/**
 * Reads the value of a key. What the type of the key proves to be a comment, quotes or another way to write a number is
 * read as it was meant, and said; Apache takes its default then, without a word.
 */
export function readValue(option: Option<unknown>, key: string, text: string): ReadValue {
  const isOfFewForms = ['int', 'boolean', 'oneOf'].includes(option.kind)
  const bare = isOfFewForms ? withoutComment(text) : ADDRESSES.has(key) ? bareAddress(text) : text
  if (text === '' && isOfFewForms) return emptyValue(option)
  const whole = isOfFewForms || bare === text ? option.parse(text) : { problem: 'a comment' }
  if ('value' in whole) return whole
  const cut = bare === text ? whole : option.parse(bare)
  if ('value' in cut) return { value: cut.value, kind: 'comment', says: COMMENT }
  const plain = isOfFewForms ? plainForm(bare, option.unit) : bare
  const read = plain === bare ? cut : option.parse(plain)
  if ('value' in read) {
    const meant = option.print(read.value)
    const says = `it is taken for ${meant}, where Apache takes ${apacheTakes(option)}; write ${key}=${meant}`
    return { value: read.value, kind: 'adjusted', says }
  }
  // What is wrong with the plain form is what is wrong: `"0"` is too small, not no number.
  return { problem: `${read.problem}, not ${JSON.stringify(text)}` }
}

/** Apache makes nothing of a number or a word that is empty, and false of a flag. */
function emptyValue(option: Option<unknown>): ReadValue {
  const value = option.kind === 'boolean' ? false : option.default
  const says = `there is no value, so that ${option.print(value)} is taken, as by Apache`
  return { value, kind: 'adjusted', says: `${says}; write one, or take the line out` }
}

function apacheTakes(option: Option<unknown>): string {
  return option.kind === 'boolean' ? 'false' : 'its default'
}

/** `48 # hours` → `48`; no number, flag or word has any of these in it. */
function withoutComment(text: string): string {
  return text.replace(/\s*(?:[#!;；(（]|\/\/).*$/su, '').trim()
}

/** `127.0.0.1 # comment` → `127.0.0.1`; a semicolon may be the one between two addresses. */
function bareAddress(text: string): string {
  return text.replace(/\s+(?:[#!]|\/\/).*$/su, '').trim()
}

/** `"95.0"` → `95`, and of a percentage `75%` → `75`; full-width characters become plain ones. */
function plainForm(text: string, unit: string | undefined): string {
  const narrow = text.normalize('NFKC').trim()
  const bare = /^(["'])(.*)\1$/su.exec(narrow)?.[2]?.trim() ?? narrow
  const number = unit === '%' ? bare.replace(/\s*%$/u, '') : bare
  return number.replace(/^([+-]?\d+)\.0+$/u, '$1')
}
