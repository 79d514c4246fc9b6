/** Permission bits of topics and brokers. Apache: `PermName.java`. */
export const Perm = { INHERIT: 0x1, WRITE: 0x2, READ: 0x4, PRIORITY: 0x8 } as const

/** True when the permission allows to read. */
export const isReadable = (perm: number): boolean => (perm & Perm.READ) !== 0
/** True when the permission allows to write. */
export const isWriteable = (perm: number): boolean => (perm & Perm.WRITE) !== 0
/** True when a topic made from this one may inherit its permission. */
export const isInherited = (perm: number): boolean => (perm & Perm.INHERIT) !== 0
/** True for a permission that an administrator may set: 0 to 7. */
export const isPermValid = (perm: number): boolean => perm >= 0 && perm < Perm.PRIORITY

/** Three characters such as `RW-`, as Apache writes it in remarks. */
export function permText(perm: number): string {
  return (
    (isReadable(perm) ? 'R' : '-') +
    (isWriteable(perm) ? 'W' : '-') +
    (isInherited(perm) ? 'X' : '-')
  )
}
