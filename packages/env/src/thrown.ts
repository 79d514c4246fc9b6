/** Most characters of a thrown text that are kept: a library that throws a page of HTML must not fill a log. */
const LENGTH_MAX = 4096

/**
 * The text of a thrown value: the message of an Error, or the value itself. Never throws, whatever it is given: an
 * object without a prototype, a revoked Proxy, a throwing getter or `toString`. Long text is truncated.
 */
export function textOfThrown(thrown: unknown): string {
  try {
    return beginning(plainText(thrown))
  } catch {
    return `something was thrown that cannot be shown (${typeof thrown})`
  }
}

/** As `textOfThrown`, but with the stack of an Error, in one line. Never throws. */
export function stackOfThrown(thrown: unknown): string {
  try {
    const stack = thrown instanceof Error ? (thrown.stack as unknown) : undefined
    if (typeof stack !== 'string' || stack === '') return textOfThrown(thrown)
    return beginning(stack.replace(/\n\s*at /g, ' ← '))
  } catch {
    return textOfThrown(thrown)
  }
}

/**
 * A thrown value as a safe Error: the value itself if it is one, otherwise an Error with its text and with the value
 * as cause. Never throws.
 */
export function errorOfThrown(thrown: unknown): Error {
  try {
    if (thrown instanceof Error && isSound(thrown)) return thrown
  } catch {
    // Not even its type can be determined.
  }
  return new Error(textOfThrown(thrown), { cause: thrown })
}

/** Whether the properties that programs read first are readable. */
function isSound({ name, message, stack }: Error): boolean {
  const texts: readonly unknown[] = [name, message, stack ?? '']
  return texts.every((each) => typeof each === 'string')
}

function plainText(thrown: unknown): string {
  if (typeof thrown === 'function') return 'a function was thrown'
  if (typeof thrown !== 'object' || thrown === null) return String(thrown)
  const { message } = thrown as { readonly message?: unknown }
  if (typeof message === 'string' && message !== '') return message
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- what it says is looked at
  const text = String(thrown)
  // The fields of a plain object are more useful than its type.
  return text === '[object Object]' ? JSON.stringify(thrown) : text
}

function beginning(text: string): string {
  const rest = text.length - LENGTH_MAX
  return rest > 0 ? `${text.slice(0, LENGTH_MAX)}… (${rest} more characters)` : text
}
