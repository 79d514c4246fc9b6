import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { silentEvents } from '@skylarkmq/env'
import { startServer, type RunningServer, type ServerOptions } from '@skylarkmq/server'
import { CommanderError, type Command } from 'commander'
import { Exit } from '../src/exit-codes.ts'
import { createProgram } from '../src/program.ts'
import { printTo } from '../src/terminal.ts'

/** What a command printed, and its exit code. */
export interface Ended {
  readonly code: number
  readonly out: string
  readonly error: string
}

/** Runs a command line in this process, with its output in a pipe. */
export function run(...args: readonly string[]): Promise<Ended> {
  return runOn(undefined, args)
}

/** As `run`, on a terminal with so many cells in a line. */
export async function runOn(width: number | undefined, args: readonly string[]): Promise<Ended> {
  let out = ''
  let error = ''
  const write = (text: string): unknown => (out += text)
  const writeError = (text: string): unknown => (error += text)
  const before = printTo({ write, writeError, width })
  const program = createProgram()
  eachCommand(program, (command) => {
    command.exitOverride().configureOutput({ writeOut: write, writeErr: writeError })
  })
  process.exitCode = 0
  try {
    await program.parseAsync(args, { from: 'user' })
    return { code: process.exitCode, out, error }
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    return { code: thrown.exitCode === 0 ? 0 : Exit.USAGE, out, error }
  } finally {
    process.exitCode = 0
    printTo(before)
  }
}

function eachCommand(command: Command, apply: (command: Command) => void): void {
  apply(command)
  for (const each of command.commands) eachCommand(each, apply)
}

/** A folder of this test alone. */
export function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'skylark-command-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** A server on free ports, in memory unless it is given a folder. */
export async function serverFor(
  t: TestContext,
  options: Partial<ServerOptions> = { ephemeral: true },
): Promise<RunningServer & { namesrvAddr: string }> {
  const server = await startServer({
    namesrvPort: 0,
    brokerPort: 0,
    events: silentEvents,
    warn: () => undefined,
    ...options,
  })
  t.after(() => server.stop())
  return server as RunningServer & { namesrvAddr: string }
}
