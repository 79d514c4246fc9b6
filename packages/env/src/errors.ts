/** Another living process has the directory. `code` is `ERR_DIRECTORY_LOCKED`. */
export class DirectoryLocked extends Error {
  readonly code = 'ERR_DIRECTORY_LOCKED'
  readonly directory: string
  /** A description of the owner: `the running process 4711`, with its host when that is another one. */
  readonly holder: string

  constructor(at: { directory: string; holder: string }) {
    super(`${at.directory} is in use by ${at.holder}`)
    this.name = this.code
    this.directory = at.directory
    this.holder = at.holder
  }
}

/** The `code` of an error of the host (`ENOENT`, `EADDRINUSE`, …); undefined for any other value. */
export function hostErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' ? code : undefined
}

/** Whether the disk or the user's quota was full. */
function isNoRoom(error: unknown): boolean {
  const code = hostErrorCode(error)
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** Writes; false when the disk was full. Throws any other error. */
export function ifRoom(write: () => void): boolean {
  try {
    write()
    return true
  } catch (error) {
    if (!isNoRoom(error)) throw error
    return false
  }
}
