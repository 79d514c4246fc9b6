import { directoryHolder, hostErrorCode, nodeEnv, silentEvents, type Disk } from '@skylarkmq/env'
import { brokerConfigFor, fileLock } from '@skylarkmq/server'
import type { StoreConfig } from '@skylarkmq/store'
import { Option, type Command } from 'commander'
import { explain, printError, red, yellow } from '../terminal.ts'

/** Flags that locate a store and its configuration. */
export interface StoreFlags {
  config?: string
  set?: string[]
  json?: boolean
}

/** Exit code of a command that could not read the store. */
export const CANNOT_LOOK = 2

/** Adds the argument and the options common to all store commands. */
export function withStore(command: Command): Command {
  return command
    .argument(
      '[dir]',
      'directory of the store (default: that of --config, otherwise ./skylark-data)',
    )
    .addOption(
      new Option('-c, --config <file>', 'broker.conf of the store, if it changes paths or sizes'),
    )
    .addOption(
      new Option('--set <key=value>', 'a line of broker.conf; may be repeated').argParser(
        (value: string, before: string[] | undefined) => [...(before ?? []), value],
      ),
    )
    .option('--json', 'print JSON')
}

/** A store on this host. */
export interface StoreOnDisk {
  readonly disk: Disk
  readonly config: StoreConfig
  readonly directory: string
}

/** Finds the store; explains a failure and returns undefined. */
export function findStore(dir: string | undefined, flags: StoreFlags): StoreOnDisk | undefined {
  const warn = (sentence: string): void => {
    printError(`${yellow('warning')} ${sentence}`)
  }
  const { config: configFile, set } = flags
  try {
    const config = brokerConfigFor({ data: dir, configFile, set, warn })
    const { disk } = nodeEnv(silentEvents)
    const directory = config.storePathRootDir
    const log = config.storePathCommitLog || `${directory}/commitlog`
    if (disk.stat(directory)?.isDirectory !== true) {
      cannot(`there is no directory ${directory}`)
      return undefined
    }
    if (disk.stat(log)?.isDirectory !== true) {
      cannot(`${directory} is not a store: there is no directory ${log}`)
      return undefined
    }
    return { disk, config, directory }
  } catch (error) {
    explain(error)
    return undefined
  }
}

/** A description of the process that has the store open; undefined when there is none. */
export async function holderOf({ directory }: StoreOnDisk): Promise<string | undefined> {
  return directoryHolder(directory, await fileLock())
}

/** Explains why nothing was done. */
export function cannot(sentence: string): void {
  printError(`${red('error')} ${sentence}`)
}

/** Runs `look`; explains an error of the host and returns CANNOT_LOOK. */
export async function looking(look: () => Promise<number>): Promise<number> {
  try {
    return await look()
  } catch (error) {
    if (hostErrorCode(error) === undefined) throw error
    explain(Object.assign(error as Error, { advice: 'Nothing was changed.' }))
    return CANNOT_LOOK
  }
}
