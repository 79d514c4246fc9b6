import { AdminClient, DEFAULT_NAMESRV_ADDR, durationMs } from '@skylarkmq/client'
import { nodeEnv, printableJson, silentEvents, type Env } from '@skylarkmq/env'
import { Option, type Command } from 'commander'
import { createInterface } from 'node:readline/promises'
import { UsageError } from './command-errors.ts'
import { findContext } from './contexts.ts'
import { Exit, exitCodeOf } from './exit-codes.ts'
import { FORMATS, jsonText, textOf, type Format } from './output/formats.ts'
import type { Listing, Sheet } from './output/listing.ts'
import { explain, print, printError, terminalWidth } from './terminal.ts'

/** What every command that asks a cluster may be told. */
export interface ClusterFlags {
  readonly namesrvAddr?: string
  readonly context?: string
  readonly accessKey?: string
  readonly secretKey?: string
  readonly output: Format
  readonly timeout: string
  readonly utc?: boolean
  readonly yes?: boolean
  readonly dryRun?: boolean
  readonly watch?: string | true
}

const WATCH_MS = 2_000

/** Adds the flags that say which cluster is asked. */
export function atCluster(command: Command): Command {
  return command
    .addOption(
      new Option('-n, --namesrv-addr <addresses>', 'name servers, host:port joined by ;').env(
        'NAMESRV_ADDR',
      ),
    )
    .option('--context <name>', 'the cluster of this context (skylark context list)')
    .addOption(new Option('--access-key <name>', 'name of the account').env('SKYLARK_ACCESS_KEY'))
    .addOption(
      new Option('--secret-key <key>', 'its secret; other users see it on a command line').env(
        'SKYLARK_SECRET_KEY',
      ),
    )
}

/** As `atCluster`, with how results are printed. */
export function onCluster(command: Command): Command {
  return atCluster(command)
    .addOption(
      new Option('-o, --output <format>', 'how to print the result')
        .choices(FORMATS)
        .default('table'),
    )
    .option('--timeout <time>', 'how long each server may take to answer', '5s')
    .option('--utc', 'print times in UTC')
}

/** As `onCluster`, for what lists: it can be shown again and again. */
export function onClusterList(command: Command): Command {
  return onCluster(command).option('--watch [time]', 'print it again every 2 s, or this often')
}

/** As `onCluster`, for what changes or deletes. */
export function onClusterChange(command: Command): Command {
  return onCluster(command)
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('-y, --yes', 'do not ask')
}

/** One run of a command: a connection to its cluster, and what is printed. */
export class Session {
  readonly admin: AdminClient
  readonly flags: ClusterFlags
  readonly namesrvAddr: string
  readonly #env: Env
  readonly #timeoutMs: number

  constructor(flags: ClusterFlags) {
    this.flags = flags
    this.namesrvAddr = namesrvAddrOf(flags)
    this.#timeoutMs = durationMs(flags.timeout, '--timeout')
    // Failures are reported by the error; a warning would repeat them.
    this.#env = nodeEnv(silentEvents)
    this.admin = this.adminOf(this.namesrvAddr)
  }

  /** A connection to other name servers, to be closed. */
  adminOf(namesrvAddr: string): AdminClient {
    const options = { ...accountOf(this.flags), namesrvAddr, requestTimeoutMs: this.#timeoutMs }
    return new AdminClient({ ...options, startTimeoutMs: 0 }, this.#env)
  }

  /** Connects to `host:port` and closes the connection. Rejects with the host's error. */
  async dial(address: string): Promise<void> {
    const colon = address.lastIndexOf(':')
    const [host, port] = [address.slice(0, colon), Number(address.slice(colon + 1))]
    const socket = await this.#env.net.connect({ host, port, timeoutMs: this.#timeoutMs })
    socket.destroy()
  }

  /** Wall clock, ms since 1970. */
  now(): number {
    return this.#env.clock.now()
  }

  /** Resolves after `ms`; `wake` gets a function that ends the pause. */
  pause(ms: number, wake?: (end: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#env.clock.after(ms, resolve)
      wake?.(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** Whether the result is for a program. */
  get isForPrograms(): boolean {
    return this.flags.output !== 'table' && this.flags.output !== 'wide'
  }

  /** Prints a result in the format that was asked for. */
  async show<T>(shown: Listing<T> | Sheet): Promise<void> {
    const style = {
      format: this.flags.output,
      width: terminalWidth(),
      isUtc: this.flags.utc === true,
    }
    const text = await textOf(shown, style)
    if (text !== '' || style.format !== 'name') print(text)
  }

  /** Says what was done, in a line for people; programs get `result`. */
  async done(says: string, result: Sheet['properties']): Promise<void> {
    if (this.isForPrograms) await this.show({ properties: result })
    else print(says)
  }

  /**
   * Makes a change: with --dry-run says what it would be, else asks first. `verb` is its imperative and its past. Returns an exit
   * code when nothing was changed. Throws CLI_USAGE.
   */
  async change(
    [verb, past]: readonly [string, string],
    what: string,
    result: Sheet['properties'],
    act: () => Promise<unknown>,
  ): Promise<number | undefined> {
    if (this.flags.dryRun === true) {
      const says = `Would ${verb} ${what}. Nothing was changed (--dry-run).`
      await this.done(says, { ...result, isDone: false })
      return undefined
    }
    if (!(await this.confirm(`This will ${verb} ${what}.`))) return Exit.REFUSED
    await act()
    await this.done(`${past} ${what}.`, { ...result, isDone: true })
    return undefined
  }

  /** A line beside the result. */
  note(line: string): void {
    printError(line)
  }

  /** Asks on a terminal whether to go ahead; elsewhere --yes must say so. Throws CLI_USAGE. */
  async confirm(question: string): Promise<boolean> {
    if (this.flags.yes === true) return true
    if (!process.stdin.isTTY || !process.stderr.isTTY) {
      throw new UsageError(question, 'Add --yes to do it, or --dry-run to see what it would do.')
    }
    const lines = createInterface({ input: process.stdin, output: process.stderr })
    try {
      return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim())
    } finally {
      lines.close()
    }
  }
}

/** The account of a command, for a client. */
export function accountOf({
  accessKey,
  secretKey,
}: Pick<ClusterFlags, 'accessKey' | 'secretKey'>): { accessKey?: string; secretKey?: string } {
  if (accessKey === undefined && secretKey === undefined) return {}
  if (accessKey !== undefined && secretKey !== undefined) return { accessKey, secretKey }
  const missing = accessKey === undefined ? '--access-key' : '--secret-key'
  throw new UsageError(`${missing} is missing.`, 'An account has an access key and a secret key.')
}

/** The cluster: `-n`, the environment, a context, else this machine. */
export function namesrvAddrOf({
  namesrvAddr,
  context,
}: Pick<ClusterFlags, 'namesrvAddr' | 'context'>): string {
  if (context !== undefined) return findContext(context)?.namesrvAddr ?? DEFAULT_NAMESRV_ADDR
  return namesrvAddr ?? findContext()?.namesrvAddr ?? DEFAULT_NAMESRV_ADDR
}

/** Runs a command, closes what it opened and sets the exit code. `act` may return an exit code. */
export async function inSession(
  flags: ClusterFlags,
  act: (session: Session) => Promise<number | undefined>,
): Promise<void> {
  let session: Session | undefined
  process.stdout.once('error', endWithReader)
  try {
    session = new Session(flags)
    const { watch } = flags
    if (watch === undefined) {
      process.exitCode = (await act(session)) ?? Exit.DONE
      return
    }
    await watching(watch === true ? WATCH_MS : durationMs(watch, '--watch'), act, session)
  } catch (error) {
    process.exitCode = exitCodeOf(error)
    printFailure(error, flags.output)
  } finally {
    await session?.admin.close()
    process.stdout.off('error', endWithReader)
  }
}

/** `skylark topic list | head -1`: the reader of the output has gone. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit()
}

async function watching(
  everyMs: number,
  act: (session: Session) => Promise<number | undefined>,
  session: Session,
): Promise<void> {
  let isAsked = false
  const isEnded = (): boolean => isAsked
  let wake: () => void = () => undefined
  const end = (): void => {
    isAsked = true
    wake()
  }
  process.once('SIGINT', end)
  process.stdout.once('error', end)
  while (!isEnded()) {
    if (terminalWidth() !== undefined) print('\u001b[2J\u001b[H')
    await act(session)
    if (isEnded()) break
    await session.pause(everyMs, (end) => (wake = end))
  }
  process.exitCode = Exit.INTERRUPTED
}

/** Prints an error: for people on standard error; with `json` a document on standard output as well. */
export function printFailure(error: unknown, format: Format): void {
  if (format === 'json' || format === 'jsonl') print(failureText(error, format))
  else explain(error)
}

function failureText(error: unknown, format: 'json' | 'jsonl'): string {
  const { code, message, advice, responseCode } = error as Record<string, unknown>
  const text = typeof message === 'string' ? message : String(error)
  const document = {
    error: {
      code: typeof code === 'string' ? code : 'ERROR',
      title: text.split(/[.:;]\s/, 1)[0],
      detail: text,
      ...(typeof responseCode === 'number' ? { responseCode } : {}),
      ...(typeof advice === 'string' ? { advice } : {}),
    },
  }
  return format === 'json' ? jsonText(document) : printableJson(JSON.stringify(document))
}
