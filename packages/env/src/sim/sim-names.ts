import { parentOf } from '../file-names.ts'
import type { SimContent } from './sim-content.ts'
import type { SimRandom } from './sim-random.ts'

/** What a name refers to. */
export type Named = SimContent | 'directory'

type NameChange =
  | { readonly kind: 'link'; readonly path: string; readonly named: Named }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }

/**
 * The names of a file system. A change of names is on disk once its directory was synced; of the others a
 * power cut keeps the first ones, as a journal does, or some, or none. One list of all names, where an overlay has one for
 * each folder: a power cut draws for each file in the order in which they got their names.
 */
export class SimNames {
  entries = new Map<string, Named>([['/', 'directory']])
  #durable = new Map<string, Named>([['/', 'directory']])
  #journal: NameChange[] = []

  get(path: string): Named | undefined {
    return this.entries.get(path)
  }

  link(path: string, named: Named): void {
    this.#change({ kind: 'link', path, named })
  }

  unlink(path: string): void {
    this.#change({ kind: 'unlink', path })
  }

  rename(path: string, to: string): void {
    this.#change({ kind: 'rename', path, to })
  }

  #change(change: NameChange): void {
    apply(this.entries, change)
    this.#journal.push(change)
  }

  /** Paths below a directory, at any depth. */
  below(directory: string): string[] {
    const prefix = directory === '/' ? '/' : `${directory}/`
    return [...this.entries.keys()].filter((path) => path.startsWith(prefix) && path !== '/')
  }

  /** Number of changes so far, for `synced`. */
  pendingIn(directory: string): ReadonlySet<unknown> {
    return new Set(this.#journal.filter((change) => touches(change, directory)))
  }

  /** These changes are on disk. */
  synced(changes: ReadonlySet<unknown>): void {
    for (const change of this.#journal) if (changes.has(change)) apply(this.#durable, change)
    this.#journal = this.#journal.filter((change) => !changes.has(change))
  }

  /** A power cut. */
  powerCut(random: SimRandom): void {
    for (const change of this.#survivors(random)) apply(this.#durable, change)
    this.#journal = []
    for (const path of [...this.#durable.keys()].sort()) {
      if (path !== '/' && this.#durable.get(parentOf(path)) !== 'directory') {
        this.#durable.delete(path)
      }
    }
    this.entries = new Map(this.#durable)
  }

  #survivors(random: SimRandom): NameChange[] {
    const journal = this.#journal
    if (random.chance(0.25)) {
      // A synced file may keep its name while one that was created before it loses its own. Renames replace each
      // other's files, and no file system reorders them.
      let renames = random.below(journal.length + 1)
      return journal.filter(({ kind }) => (kind === 'rename' ? renames-- > 0 : random.chance(0.5)))
    }
    const kept = random.pick([0, random.below(journal.length + 1), journal.length])
    return journal.slice(0, kept)
  }

  /** Every content that has a name. */
  *contents(): Iterable<SimContent> {
    for (const named of this.entries.values()) if (named !== 'directory') yield named
  }

  /** Every content that has a name now or may have one after a power cut. */
  *everyContent(): Iterable<SimContent> {
    yield* this.contents()
    for (const named of this.#durable.values()) if (named !== 'directory') yield named
    for (const change of this.#journal) {
      if (change.kind === 'link' && change.named !== 'directory') yield change.named
    }
  }

  /** Independent names for copies of the contents. */
  fork(copies: Map<SimContent, SimContent>): SimNames {
    const names = new SimNames()
    for (const [path, named] of this.entries) {
      if (named === 'directory') names.entries.set(path, named)
      else names.entries.set(path, copyIn(copies, named))
    }
    return names
  }
}

function apply(entries: Map<string, Named>, change: NameChange): void {
  const named = change.kind === 'link' ? change.named : entries.get(change.path)
  entries.delete(change.path)
  if (change.kind === 'unlink' || named === undefined) return
  entries.set(change.kind === 'rename' ? change.to : change.path, named)
}

/** The copy of a content, created on demand. */
export function copyIn(copies: Map<SimContent, SimContent>, content: SimContent): SimContent {
  let copy = copies.get(content)
  if (copy === undefined) {
    copy = content.fork()
    copies.set(content, copy)
    // The copy of a copy is the copy itself: handles may be opened by the new names.
    copies.set(copy, copy)
  }
  return copy
}

function touches(change: NameChange, directory: string): boolean {
  if (parentOf(change.path) === directory) return true
  return change.kind === 'rename' && parentOf(change.to) === directory
}
