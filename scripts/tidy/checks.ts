import ts from 'typescript'
import {
  BANS,
  DEEP_IMPORTS,
  DEEP_IMPORTS_OF_TESTS,
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
  HOST_FOLDERS,
  IMPORTS,
  TEST_MODULES,
  UNFINISHED,
} from './rules.ts'
import { lineOf, targetOf, type Source } from './source.ts'

/** A broken rule: where, and what to do. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly says: string
}

const packageOf = (file: string): string | undefined =>
  /^(?:packages|integrations)\/([^/]+)\//.exec(file)?.[1]
const isTest = (file: string): boolean =>
  /\/(test|example)\/|^bench\/|^examples\/|^test\//.test(file)
const isHost = (file: string): boolean => HOST_FOLDERS.some((folder) => file.startsWith(folder))

/** Who imports whom. */
export function checkImports(source: Source): Problem[] {
  const own = packageOf(source.file)
  const rule = own === undefined ? undefined : IMPORTS[own]
  if (own === undefined || rule === undefined || isHost(source.file)) return []
  return source.imports.flatMap(({ module, line }) => {
    const says = objectionTo(source, module, own, rule)
    return says === undefined ? [] : [{ file: source.file, line, says }]
  })
}

function objectionTo(
  source: Source,
  module: string,
  own: string,
  rule: (typeof IMPORTS)[string],
): string | undefined {
  const target = targetOf(source, module)
  if (target !== undefined) {
    // A test uses its package as others do.
    if (target === `packages/${own}/src/index.ts` && !isTest(source.file))
      return "a file does not import its own package's index.ts"
    return packageOf(target) === own ? undefined : `import ${module} by the name of its package`
  }
  const [, sibling, deep] = /^@skylarkmq\/([^/]+)(\/.*)?$/.exec(module) ?? []
  if (sibling === undefined) return objectionToModule(source, module, own, rule)
  if (deep !== undefined && !mayImportDeep(source, module, own)) {
    return `import @skylarkmq/${sibling} without ${deep}`
  }
  if (rule.packages.includes(sibling) || isTest(source.file)) return undefined
  return `${own} may not import ${sibling}; the table is in scripts/tidy/rules.ts`
}

function mayImportDeep(source: Source, module: string, own: string): boolean {
  if (DEEP_IMPORTS[module]?.includes(own) === true) return true
  return isTest(source.file) && DEEP_IMPORTS_OF_TESTS.includes(module)
}

function objectionToModule(
  source: Source,
  module: string,
  own: string,
  rule: (typeof IMPORTS)[string],
): string | undefined {
  if (rule.modules.includes(module)) return undefined
  if (isTest(source.file) && TEST_MODULES.some((pattern) => pattern.test(module))) return undefined
  return `${own} may not import ${module}: what it needs of the host comes through Env`
}

/** Calls that go round `Env`. */
export function checkBans(source: Source): Problem[] {
  const own = packageOf(source.file)
  if (own === undefined || isHost(source.file) || isTest(source.file)) return []
  const problems: Problem[] = []
  withoutComments(source).forEach((text, index) => {
    for (const ban of BANS) {
      if (!ban.pattern.test(text) || ban.allowedIn?.includes(own) === true) continue
      problems.push({ file: source.file, line: index + 1, says: `use ${ban.instead} here` })
    }
  })
  return problems
}

/** The lines of a file, comments and texts blanked. */
function withoutComments(source: Source): string[] {
  const characters = source.text.split('')
  const scanner = ts.createScanner(
    ts.ScriptTarget.ES2022,
    false,
    ts.LanguageVariant.Standard,
    source.text,
  )
  for (let kind = scanner.scan(); kind !== ts.SyntaxKind.EndOfFileToken; kind = scanner.scan()) {
    const isComment =
      kind === ts.SyntaxKind.SingleLineCommentTrivia ||
      kind === ts.SyntaxKind.MultiLineCommentTrivia
    if (!isComment && kind !== ts.SyntaxKind.StringLiteral) continue
    for (let i = scanner.getTokenStart(); i < scanner.getTokenEnd(); i++) {
      if (source.text[i] !== '\n') characters[i] = ' '
    }
  }
  return characters.join('').split('\n')
}

/** Length of files and functions. */
export function checkLengths(source: Source): Problem[] {
  const { file, tree } = source
  const problems: Problem[] = []
  const lines = source.text.split('\n').length - 1
  if (lines > FILE_LINES_MAX) {
    problems.push({
      file,
      line: 1,
      says: `${lines} lines: split it by what its parts mean (${FILE_LINES_MAX} at most)`,
    })
  }
  if (isTest(file)) return problems
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const first = lineOf(tree, node)
      const last = tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1
      if (last - first + 1 > FUNCTION_LINES_MAX) {
        const says = `a function of ${last - first + 1} lines: split it by its steps (${FUNCTION_LINES_MAX} at most)`
        problems.push({ file, line: first, says })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return problems
}

/** Exported names without a sentence that says what they are. */
export function checkDocs(source: Source): Problem[] {
  if (packageOf(source.file) === undefined || isTest(source.file)) return []
  const problems: Problem[] = []
  for (const statement of source.tree.statements) {
    if (!isExported(statement) || ts.isExportDeclaration(statement)) continue
    if (ts.getJSDocCommentsAndTags(statement).length > 0 || hasOverloadBefore(statement)) continue
    problems.push({
      file: source.file,
      line: lineOf(source.tree, statement),
      says: `say in a comment what ${nameOf(statement)} is`,
    })
  }
  return problems
}

function isExported(statement: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some((each) => each.kind === ts.SyntaxKind.ExportKeyword) === true
  )
}

/** A value and a type of one name, or overloads, share one comment. */
function hasOverloadBefore(statement: ts.Statement): boolean {
  const all = (statement.parent as ts.SourceFile).statements
  const before = all[all.indexOf(statement) - 1]
  return before !== undefined && isExported(before) && nameOf(before) === nameOf(statement)
}

function nameOf(statement: ts.Statement): string {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations[0]?.name.getText() ?? 'it'
  }
  const { name } = statement as { name?: ts.Node }
  return name?.getText() ?? 'it'
}

/** Unfinished work, and tests that run alone. */
export function checkWords(source: Source): Problem[] {
  const problems: Problem[] = []
  source.text.split('\n').forEach((text, index) => {
    const line = index + 1
    if (UNFINISHED.test(text))
      problems.push({ file: source.file, line, says: 'finish it, or write an issue' })
    if (/\b(test|it|describe)\.only\(/.test(text)) {
      problems.push({
        file: source.file,
        line,
        says: 'remove .only: the other tests would not run',
      })
    }
    if (/\/\/ eslint-disable(?!.*--)/.test(text)) {
      problems.push({
        file: source.file,
        line,
        says: 'say behind -- why the rule does not fit here',
      })
    }
  })
  return problems
}
