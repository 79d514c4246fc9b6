import ts from 'typescript'
import type { Problem } from './checks.ts'
import { PUBLISHED } from './rules.ts'
import { fileOf, lineOf, type Source } from './source.ts'

/** Stands for all names of a file. */
const ALL = '*'

/** What one file takes of another. */
interface Taking {
  readonly file: string
  readonly names: readonly string[]
}

/** What a file hands on of another: of each name there, the name that it has here. */
interface HandingOn {
  readonly file: string
  readonly names: ReadonlyMap<string, string> | typeof ALL
}

/**
 * Names that the sources of packages export and nobody imports, in programs, tests and scripts. All that the index of a
 * published package has is for its users. A type that a signature beside it needs may be exported with it.
 */
export function checkUnusedExports(sources: readonly Source[]): Problem[] {
  const used = namesUsed(sources)
  const problems: Problem[] = []
  for (const source of sources) {
    if (!/^(packages|integrations)\/[^/]+\/src\//.test(source.file)) continue
    const names = used.get(source.file)
    if (names?.has(ALL) === true) continue
    for (const { name, node, isType } of declared(source)) {
      if (names?.has(name) === true || (isType && timesNamed(source, name) > 1)) continue
      const says = `nobody imports ${name}: do not export it, or remove it`
      problems.push({ file: source.file, line: lineOf(source.tree, node), says })
    }
  }
  return problems
}

/** Of each file the names that others take, also by way of files that hand them on. */
function namesUsed(sources: readonly Source[]): Map<string, Set<string>> {
  const used = new Map<string, Set<string>>()
  const add = (file: string, name: string): boolean => {
    const names = used.get(file) ?? new Set()
    used.set(file, names)
    return !names.has(name) && names.add(name).size > 0
  }
  for (const name of PUBLISHED) add(`${name}/src/index.ts`, ALL)
  for (const source of sources) {
    for (const { file, names } of takingsOf(source)) for (const name of names) add(file, name)
  }
  const handings = sources.map((source) => [source.file, handingsOf(source)] as const)
  for (let isNew = true; isNew;) {
    isNew = false
    for (const [from, all] of handings) {
      for (const name of used.get(from) ?? []) {
        for (const { file, names } of all) {
          if (names === ALL || name === ALL) {
            const taken = names === ALL ? [name] : [...names.values()]
            for (const each of taken) isNew = add(file, each) || isNew
          } else if (names.has(name)) isNew = add(file, names.get(name) ?? name) || isNew
        }
      }
    }
  }
  return used
}

function takingsOf(source: Source): Taking[] {
  const found: Taking[] = []
  const add = (specifier: ts.Node | undefined, names: readonly string[]): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    const file = fileOf(source, specifier.text)
    if (file !== undefined) found.push({ file: sourceOf(file), names })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, namesIn(node))
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, [ALL])
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], [ALL])
    ts.forEachChild(node, visit)
  }
  visit(source.tree)
  return found
}

function namesIn({ importClause }: ts.ImportDeclaration): string[] {
  const bindings = importClause?.namedBindings
  if (bindings === undefined || !ts.isNamedImports(bindings)) return [ALL]
  return bindings.elements.map((each) => (each.propertyName ?? each.name).text)
}

function handingsOf(source: Source): HandingOn[] {
  return source.tree.statements.flatMap((node): HandingOn[] => {
    if (!ts.isExportDeclaration(node) || node.moduleSpecifier === undefined) return []
    if (!ts.isStringLiteral(node.moduleSpecifier)) return []
    const file = fileOf(source, node.moduleSpecifier.text)
    if (file === undefined) return []
    const { exportClause } = node
    if (exportClause === undefined || !ts.isNamedExports(exportClause))
      return [{ file, names: ALL }]
    const names = exportClause.elements.map(
      (each) => [each.name.text, (each.propertyName ?? each.name).text] as const,
    )
    return [{ file, names: new Map(names) }]
  })
}

interface Declared {
  readonly name: string
  readonly node: ts.Node
  readonly isType: boolean
}

function declared({ tree }: Source): Declared[] {
  return tree.statements.flatMap((node): Declared[] => {
    const isExported =
      ts.canHaveModifiers(node) &&
      ts.getModifiers(node)?.some((each) => each.kind === ts.SyntaxKind.ExportKeyword) === true
    if (!isExported) return []
    const isType = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)
    if (ts.isVariableStatement(node)) {
      const { declarations } = node.declarationList
      return declarations.map(({ name }) => ({ name: name.getText(tree), node, isType }))
    }
    const { name } = node as { name?: ts.Node }
    return name === undefined ? [] : [{ name: name.getText(tree), node, isType }]
  })
}

function timesNamed({ tree }: Source, name: string): number {
  let times = 0
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && node.text === name) times++
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return times
}

/** Programs that are not compiled import what is. */
function sourceOf(file: string): string {
  return file.replace(/\/dist\/(.*)\.js$/, '/$1.ts')
}
