import { resourceProblem } from '@skylarkmq/protocol'
import { UnsafeName } from '../errors.ts'

declare const checked: unique symbol

/**
 * Path of something that lies in a folder of the store, whatever the names that it was made of are: a record in the log
 * may hold any. Only `insideOf` makes one, so that what takes such a path compiles with no other.
 */
export type InsidePath = string & { readonly [checked]: true }

/** Longest name of a folder, in bytes; file systems have no longer ones. */
const NAME_BYTES_MAX = 255

/** True for a name that can be that of one folder: no path, no control character, not too long. */
export function isFolderName(name: string): boolean {
  if (name === '' || resourceProblem(name) !== undefined) return false
  return name.length * 3 <= NAME_BYTES_MAX || Buffer.byteLength(name) <= NAME_BYTES_MAX
}

/** The path of `names` below a folder. Throws ERR_STORE_NAME when one of them is not a plain name. */
export function insideOf(folder: string, ...names: readonly string[]): InsidePath {
  for (const name of names) if (!isFolderName(name)) throw new UnsafeName({ folder, name })
  return `${folder}/${names.join('/')}` as InsidePath
}
