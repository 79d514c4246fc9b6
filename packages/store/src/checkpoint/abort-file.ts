import { directoryOf, replaceFileNow } from '@skylarkmq/env'
import type { Disk } from '@skylarkmq/env'

/**
 * The file that is there from the start of the store to its orderly stop: found at a start, the last stop was
 * none. Its content is the process id in text. Apache: `DefaultMessageStore.java`, createTempFile.
 */
export function abortFileExists(disk: Disk, path: string): boolean {
  return disk.stat(path) !== undefined
}

/** The process id in the file; undefined when there is no file, −1 when it says none. */
export function readAbortFile(disk: Disk, path: string): number | undefined {
  const text = disk.readFile(path)?.toString('latin1')
  if (text === undefined) return undefined
  return /^\d{1,15}$/.test(text) ? Number(text) : -1
}

/**
 * Writes the file and brings it to disk with its name: by it a start after a power cut knows whose recovery point it
 * finds. It is whole before it takes the place of the old one. Throws the host's error; the file may be there then.
 */
export function writeAbortFile(disk: Disk, path: string, processId: number): void {
  replaceFileNow(disk, path, Buffer.from(String(processId), 'latin1'))
}

/** Makes the file without its content, for which a full disk has no room: its name says the most of it. Throws the host's error. */
export function makeAbortFile(disk: Disk, path: string): void {
  disk.open(path, 'create').close()
  disk.syncDirectoryNow(directoryOf(path))
}

/** Removes the file, if it is there. */
export function removeAbortFile(disk: Disk, path: string): void {
  disk.remove(path)
}
