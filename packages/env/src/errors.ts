/** Another living process has the directory. `code` is `ERR_DIRECTORY_LOCKED`. */
export class DirectoryLocked extends Error {
  readonly code = 'ERR_DIRECTORY_LOCKED'
  readonly directory: string
  readonly pid: number

  constructor(at: { directory: string; pid: number }) {
    super(`${at.directory} is in use by the running process ${at.pid}`)
    this.name = this.code
    this.directory = at.directory
    this.pid = at.pid
  }
}

/** The `code` of an error of the host (`ENOENT`, `EADDRINUSE`, …); undefined for any other value. */
export function hostErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' ? code : undefined
}
