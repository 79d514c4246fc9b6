import os from 'node:os'
import process from 'node:process'

/** Memory in bytes that this process may use: the host's, or the limit of its container (cgroup 1 and 2). */
export function hostMemoryBytes(): number {
  return memoryWithin(os.totalmem(), process.constrainedMemory())
}

/** The smaller one; a limit of 0, or above the host's memory, means none. */
export function memoryWithin(totalBytes: number, limitBytes: number | undefined): number {
  return limitBytes === undefined || limitBytes <= 0 ? totalBytes : Math.min(totalBytes, limitBytes)
}
