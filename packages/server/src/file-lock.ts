import { hostErrorCode, type TryFileLock } from '@skylarkmq/env'

/** By its name in a variable, so that bundlers leave it where it is: it has binaries. */
const PACKAGE: string = 'fs-native-extensions'

let loaded: Promise<TryFileLock | undefined> | undefined

/** The host's file locks; undefined where the optional package that has them was not installed or has no binary. */
export function fileLock(): Promise<TryFileLock | undefined> {
  return (loaded ??= load())
}

async function load(): Promise<TryFileLock | undefined> {
  try {
    const { tryLock } = (await import(PACKAGE)) as { tryLock: TryFileLock }
    return tryLock
  } catch (error) {
    if (hostErrorCode(error) === undefined) throw error
    return undefined
  }
}
