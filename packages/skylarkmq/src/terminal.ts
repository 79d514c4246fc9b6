import { printable } from '@skylarkmq/env'

/** Whether to use colours: on a terminal, unless NO_COLOR is set (https://no-color.org). */
const hasColour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined

const paint =
  (code: number) =>
  (text: string): string =>
    hasColour ? `\u001b[${code}m${text}\u001b[0m` : text

/** Text in bold. */
export const bold = paint(1)
/** Dimmed text. */
export const dim = paint(2)
/** Colour of warnings. */
export const yellow = paint(33)
/** Green text, for what is well. */
export const green = paint(32)
/** Colour of errors. */
export const red = paint(31)

/** Destination of lines. */
export interface Output {
  readonly write: (text: string) => unknown
  readonly writeError: (text: string) => unknown
  /** Cells in a line of the terminal; undefined when standard output is none. */
  readonly width?: number | undefined
}

const host: Output = {
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
}
let output = host

/** Redirects output from now on, for tests; returns the previous destination. */
export function printTo(other: Output): Output {
  const before = output
  output = other
  return before
}

const WIDTH = 80

/** Cells in a line of the terminal; undefined when standard output is no terminal. */
export function terminalWidth(): number | undefined {
  if (output !== host) return output.width
  return process.stdout.isTTY ? process.stdout.columns || WIDTH : undefined
}

/** Prints a line to standard output. */
export function print(line = ''): void {
  output.write(`${line}\n`)
}

/** Prints a line to standard error. */
export function printError(line: string): void {
  output.writeError(`${line}\n`)
}

/** Prints an error and what to do about it, if known. */
export function explain(error: unknown): void {
  if (!(error instanceof Error)) {
    printError(red(printable(String(error))))
    return
  }
  const advice = (error as { advice?: unknown }).advice
  if (typeof advice === 'string') {
    // Client errors contain what to do in their message.
    const { message } = error
    const says = message.endsWith(advice) ? message.slice(0, -advice.length).trimEnd() : message
    printError(`${red('error')} ${lines(says)}`)
    printError(dim(lines(advice)))
  } else printError(red(lines(error.stack ?? error.message)))
}

/** Lines of an error, which may contain text from a server. */
function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line))
    .join('\n')
}

/** `1 key`, `2 keys`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
