import { resourceProblem } from '@skylarkmq/protocol'
import { UnsafeName } from '../errors.ts'

declare const checked: unique symbol

/**
 * A path inside a folder of the store, whatever names it was built from: a record in the log may contain any. Only
 * `insideOf` creates one, so functions that take this type cannot be called with other strings.
 */
export type InsidePath = string & { readonly [checked]: true }

/** Longest folder name in bytes; file systems allow no longer ones. */
const NAME_BYTES_MAX = 255

/** Whether a name can be that of one folder: no path, no control character, not too long. */
export function isFolderName(name: string): boolean {
  if (name === '' || resourceProblem(name) !== undefined) return false
  return name.length * 3 <= NAME_BYTES_MAX || Buffer.byteLength(name) <= NAME_BYTES_MAX
}

/** The path of `names` below a folder. Throws ERR_STORE_NAME when one of them is not a plain name. */
export function insideOf(folder: string, ...names: readonly string[]): InsidePath {
  for (const name of names) if (!isFolderName(name)) throw new UnsafeName({ folder, name })
  return `${folder}/${names.join('/')}` as InsidePath
}
