import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

/** Something that a package exports, where it is written down. */
export interface Exported {
  readonly name: string
  readonly node: ts.Statement
  /** From the root of the repository, with slashes. */
  readonly file: string
}

/** Finds what packages export, and what their files declare, by reading sources alone. */
export class Exports {
  readonly #root: string
  readonly #parsed = new Map<string, ts.SourceFile>()

  /** `root` is that of the repository. */
  constructor(root: string) {
    this.#root = root
  }

  /** What a file exports, in its order, each name once. */
  of(file: string): Exported[] {
    const all = new Map<string, Exported>()
    for (const each of this.#listed(file)) if (!all.has(each.name)) all.set(each.name, each)
    return [...all.values()]
  }

  /** The declaration that a name means in a file: its own, or an imported one. Undefined when it is of no package here. */
  meaning(file: string, name: string): Exported | undefined {
    const tree = this.#parse(file)
    for (const statement of tree.statements) {
      if (nameOf(statement) === name) return { name, node: statement, file }
      if (!ts.isImportDeclaration(statement)) continue
      const bindings = statement.importClause?.namedBindings
      if (bindings === undefined || !ts.isNamedImports(bindings)) continue
      const imported = bindings.elements.find((element) => element.name.text === name)
      const from = imported && this.#target(file, statement.moduleSpecifier)
      if (imported === undefined || from === undefined) continue
      const wanted = (imported.propertyName ?? imported.name).text
      return this.of(from).find((each) => each.name === wanted) ?? this.meaning(from, wanted)
    }
    return undefined
  }

  *#listed(file: string): Generator<Exported> {
    for (const statement of this.#parse(file).statements) {
      if (!ts.isExportDeclaration(statement)) {
        const name = isExported(statement) ? nameOf(statement) : undefined
        if (name !== undefined) yield { name, node: statement, file }
        continue
      }
      const from = this.#target(file, statement.moduleSpecifier)
      if (from === undefined) continue
      const clause = statement.exportClause
      if (clause === undefined) {
        yield* this.#listed(from)
      } else if (ts.isNamedExports(clause)) {
        for (const { name, propertyName } of clause.elements) {
          const found = this.of(from).find((each) => each.name === (propertyName ?? name).text)
          if (found !== undefined) yield { ...found, name: name.text }
        }
      }
    }
  }

  #parse(file: string): ts.SourceFile {
    let tree = this.#parsed.get(file)
    if (tree === undefined) {
      const text = readFileSync(path.join(this.#root, file), 'utf8')
      tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
      this.#parsed.set(file, tree)
    }
    return tree
  }

  #target(file: string, specifier: ts.Expression | undefined): string | undefined {
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return undefined
    const { text } = specifier
    if (text.startsWith('.')) return path.posix.join(path.posix.dirname(file), text)
    const name = /^@skylarkmq\/([^/]+)$/.exec(text)?.[1]
    const index = name === undefined ? undefined : `packages/${name}/src/index.ts`
    return index !== undefined && existsSync(path.join(this.#root, index)) ? index : undefined
  }
}

function isExported(statement: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
  )
}

function nameOf(statement: ts.Statement): string | undefined {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations[0]?.name.getText()
  }
  return (statement as { name?: ts.Node }).name?.getText()
}
