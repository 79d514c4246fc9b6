/** The directory of a path. */
export function parentOf(name: string): string {
  const slash = name.lastIndexOf('/')
  return slash <= 0 ? '/' : name.slice(0, slash)
}

/** The last part of a path. */
export function lastOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/** An error in the form of the host's. */
export function hostError(code: string, call: string, name: string): Error {
  return Object.assign(new Error(`${code}: ${call} '${name}'`), { code })
}
