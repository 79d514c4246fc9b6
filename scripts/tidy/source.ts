import { readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

/** One import or re-export of a file. */
export interface Import {
  readonly module: string
  readonly line: number
}

/** A parsed source file. */
export interface Source {
  /** From the root of the repository, with slashes. */
  readonly file: string
  readonly text: string
  readonly tree: ts.SourceFile
  readonly imports: readonly Import[]
}

/** Parses a file. */
export function parse(root: string, file: string): Source {
  const text = readFileSync(path.join(root, file), 'utf8')
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
  return { file, text, tree, imports: importsOf(tree) }
}

function importsOf(tree: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Expression | undefined, node: ts.Node): void => {
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return
    found.push({ module: specifier.text, line: lineOf(tree, node) })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node))
      add(node.moduleSpecifier, node)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], node)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

/** Line of a node, from 1. */
export function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}

/** The file that a relative import names; undefined for the import of a package. */
export function targetOf(source: Source, module: string): string | undefined {
  if (!module.startsWith('.')) return undefined
  return path.posix.join(path.posix.dirname(source.file), module)
}

/** The file of this repository that an import names, by its path or by the name of its package; undefined for any other. */
export function fileOf(source: Source, module: string): string | undefined {
  const [, name, deep] = /^@skylarkmq\/([^/]+)(?:\/(.*))?$/.exec(module) ?? []
  if (name === undefined) return targetOf(source, module)
  if (deep === undefined) return `packages/${name}/src/index.ts`
  if (deep === 'sim') return `packages/${name}/src/sim/index.ts`
  return deep === 'test-support'
    ? `packages/${name}/test/support/index.ts`
    : `packages/${name}/src/${deep}.ts`
}
