import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { textOfThrown } from '@skylarkmq/env'
import { NotFoundError, UsageError } from './command-errors.ts'

/** One cluster, by a name of its own. */
export interface Context {
  readonly name: string
  /** Name servers, `host:port` joined by `;`. */
  readonly namesrvAddr: string
}

/** The contexts that a person keeps, and which is in use. */
export interface Contexts {
  readonly current: string | undefined
  readonly contexts: readonly Context[]
}

const NONE: Contexts = { current: undefined, contexts: [] }
const NAME = /^[\w.-]{1,64}$/

/** Where contexts are kept. `SKYLARK_CONTEXTS` names another file. */
function contextsPath(): string {
  const { SKYLARK_CONTEXTS, XDG_CONFIG_HOME, HOME, USERPROFILE } = process.env
  if (SKYLARK_CONTEXTS !== undefined && SKYLARK_CONTEXTS !== '') return SKYLARK_CONTEXTS
  const home = HOME ?? USERPROFILE ?? '.'
  return path.join(XDG_CONFIG_HOME ?? path.join(home, '.config'), 'skylark', 'contexts.json')
}

/** What is kept; nothing when there is no file. Throws CLI_USAGE when the file cannot be read. */
export function readContexts(): Contexts {
  const file = contextsPath()
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NONE
    throw new UsageError(
      `${file} cannot be read: ${textOfThrown(error)}`,
      'Correct its permissions.',
    )
  }
  try {
    const { current, contexts } = JSON.parse(text) as Partial<Contexts>
    const isSound = (contexts ?? []).every(
      ({ name, namesrvAddr }) => typeof name === 'string' && typeof namesrvAddr === 'string',
    )
    if (!isSound) throw new Error('a context has a name and a namesrvAddr')
    return { current, contexts: contexts ?? [] }
  } catch (error) {
    const advice = 'Correct it, or remove it and add the contexts again.'
    throw new UsageError(`${file} is not a file of contexts: ${textOfThrown(error)}`, advice)
  }
}

/** The context of a name, or the one in use; undefined when none is. Throws CLI_NOT_FOUND. */
export function findContext(name?: string): Context | undefined {
  const { current, contexts } = readContexts()
  const wanted = name ?? current
  if (wanted === undefined) return undefined
  const found = contexts.find((each) => each.name === wanted)
  if (found !== undefined) return found
  const known = contexts.map((each) => each.name).join(', ')
  const advice = known === '' ? 'Add one with skylark context add.' : `There are: ${known}.`
  throw new NotFoundError(`There is no context ${wanted}.`, advice)
}

/** Adds a context or changes it. Throws CLI_USAGE. */
export function addContext(context: Context): void {
  if (!NAME.test(context.name)) {
    throw new UsageError(
      `${context.name} is no name of a context.`,
      'Use letters, digits and the signs . _ - only, 64 at most.',
    )
  }
  const { current, contexts } = readContexts()
  const others = contexts.filter(({ name }) => name !== context.name)
  write({ current: current ?? context.name, contexts: [...others, context] })
}

/** Uses a context from now on. Throws CLI_NOT_FOUND. */
export function useContext(name: string): void {
  findContext(name)
  write({ ...readContexts(), current: name })
}

/** Removes a context. Throws CLI_NOT_FOUND. */
export function removeContext(name: string): void {
  findContext(name)
  const { current, contexts } = readContexts()
  write({
    current: current === name ? undefined : current,
    contexts: contexts.filter((each) => each.name !== name),
  })
}

/** Replaces the file as a whole, readable for its owner alone. */
function write(contexts: Contexts): void {
  const file = contextsPath()
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, `${JSON.stringify(contexts, undefined, 2)}\n`, { mode: 0o600 })
  chmodSync(temporary, 0o600)
  renameSync(temporary, file)
}
