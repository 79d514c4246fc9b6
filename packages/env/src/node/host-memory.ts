import os from 'node:os'
import process from 'node:process'

/**
 * Bytes of memory that this process may count on: the host's, or the limit that a container sets it (cgroup 1 and 2).
 */
export function hostMemoryBytes(): number {
  return memoryWithin(os.totalmem(), process.constrainedMemory())
}

/** The smaller one; a limit of 0, or above what there is, says that there is none. */
export function memoryWithin(totalBytes: number, limitBytes: number | undefined): number {
  return limitBytes === undefined || limitBytes <= 0 ? totalBytes : Math.min(totalBytes, limitBytes)
}
