import { directoryOf, replaceFileNow } from '@skylarkmq/env'
import type { Disk } from '@skylarkmq/env'

/**
 * The abort file exists from the start of the store to its clean stop: if a start finds it, the last stop was
 * unclean. Its content is the process id as text. Apache: `DefaultMessageStore.java`, createTempFile.
 */
export function abortFileExists(disk: Disk, path: string): boolean {
  return disk.stat(path) !== undefined
}

/** The process id in the file; undefined when there is no file, −1 when the file contains none. */
export function readAbortFile(disk: Disk, path: string): number | undefined {
  const text = disk.readFile(path)?.toString('latin1')
  if (text === undefined) return undefined
  return /^\d{1,15}$/.test(text) ? Number(text) : -1
}

/**
 * Replaces the file atomically and syncs it with its name: after a power cut the process id tells whose recovery
 * point the checkpoint holds. Throws the host's error; the file may exist then.
 */
export function writeAbortFile(disk: Disk, path: string, processId: number): void {
  replaceFileNow(disk, path, Buffer.from(String(processId), 'latin1'))
}

/** Creates the file without content, for a full disk: its existence is what matters most. Throws the host's error. */
export function makeAbortFile(disk: Disk, path: string): void {
  disk.open(path, 'create').close()
  disk.syncDirectoryNow(directoryOf(path))
}

/** Removes the file if it exists. */
export function removeAbortFile(disk: Disk, path: string): void {
  disk.remove(path)
}
