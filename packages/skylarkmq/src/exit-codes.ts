/** What the exit code of a command says. `skylark help exit` prints the same. */
export const Exit = {
  DONE: 0,
  /** The server refused, or failed. */
  REFUSED: 1,
  /** Wrong use: a flag, an argument, a value. */
  USAGE: 2,
  NOT_FOUND: 3,
  /** A name server or a broker cannot be reached. */
  UNREACHABLE: 4,
  /** The account may not do this. */
  NOT_ALLOWED: 5,
  /** Some of it was done. */
  PARTLY: 6,
  /** A check found something. */
  FOUND: 7,
  TIMEOUT: 124,
  INTERRUPTED: 130,
} as const

const BY_CODE: Readonly<Record<string, number>> = {
  RMQ_OPTION: Exit.USAGE,
  RMQ_MESSAGE: Exit.USAGE,
  CLI_USAGE: Exit.USAGE,
  CLI_NOT_FOUND: Exit.NOT_FOUND,
  RMQ_TOPIC_NOT_FOUND: Exit.NOT_FOUND,
  RMQ_NAME_SERVER: Exit.UNREACHABLE,
  RMQ_CONNECT: Exit.UNREACHABLE,
  RMQ_CONNECTION_LOST: Exit.UNREACHABLE,
  RMQ_WRONG_PORT: Exit.UNREACHABLE,
  RMQ_AUTH: Exit.NOT_ALLOWED,
  RMQ_REPLAY: Exit.PARTLY,
  RMQ_TIMEOUT: Exit.TIMEOUT,
}

/** The exit code that goes with an error. */
export function exitCodeOf(error: unknown): number {
  const code = (error as { code?: unknown }).code
  return (typeof code === 'string' ? BY_CODE[code] : undefined) ?? Exit.REFUSED
}
