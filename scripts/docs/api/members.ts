import ts from 'typescript'
import { cell, defaultIn, docOf, flat, typeText } from './text.ts'
import type { Exported, Exports } from './exports.ts'

/** A property or a function of an interface. */
interface Row {
  readonly name: string
  readonly type: string
  readonly isOptional: boolean
  readonly doc: string
}

/** The members of an interface as a table, those that it inherits from others of its package among them. */
export function interfaceTable(exports: Exports, { node, file, name }: Exported): string {
  if (!ts.isInterfaceDeclaration(node)) return ''
  const { rows, beside } = rowsOf(exports, node, file)
  const isOptions = /Options$/.test(name)
  const head = isOptions
    ? '| option | type | default | meaning |\n| --- | --- | --- | --- |'
    : '| member | type | meaning |\n| --- | --- | --- |'
  const lines = rows.map(({ name: member, type, isOptional, doc }) => {
    const { meaning, byDefault } = defaultIn(doc)
    const title = `\`${member}${isOptional && !isOptions ? '?' : ''}\``
    const said = isOptional ? byDefault : byDefault || '**needed**'
    return isOptions
      ? `| ${title} | ${code(type)} | ${cell(said)} | ${cell(meaning)} |`
      : `| ${title} | ${code(type)} | ${cell(doc)} |`
  })
  const more = beside.map((text) => `\n\nBeside these, all of ${text}.`).join('')
  return (lines.length === 0 ? '' : `${head}\n${lines.join('\n')}`) + more
}

/** A type as code in a cell. */
export function code(type: string): string {
  return type === '' ? '' : `\`${type.replaceAll('|', '\\|')}\``
}

function rowsOf(
  exports: Exports,
  node: ts.InterfaceDeclaration,
  file: string,
): { readonly rows: Row[]; readonly beside: string[] } {
  const rows = new Map(node.members.flatMap(rowOf).map((row) => [row.name, row]))
  const beside: string[] = []
  for (const { expression, typeArguments } of node.heritageClauses?.flatMap(({ types }) => types) ??
    []) {
    const inherited = parentOf(expression.getText(), typeArguments)
    const parent = exports.meaning(file, inherited.name)
    const isOwn = parent !== undefined && samePackage(parent.file, file)
    if (!isOwn || !ts.isInterfaceDeclaration(parent.node)) {
      const known = parent === undefined ? '' : ' ([there](client.md))'
      beside.push(`\`${flat(expression.parent)}\`${known}`)
      continue
    }
    const above = rowsOf(exports, parent.node, parent.file)
    beside.push(...above.beside)
    for (const row of above.rows) {
      if (!rows.has(row.name) && inherited.has(row.name)) rows.set(row.name, row)
    }
  }
  return { rows: [...rows.values()], beside }
}

/** What is inherited of whom: all, all but some (`Omit`), or some (`Pick`). */
function parentOf(
  name: string,
  args: ts.NodeArray<ts.TypeNode> | undefined,
): { readonly name: string; readonly has: (member: string) => boolean } {
  const [of, keys] = args ?? []
  if ((name !== 'Omit' && name !== 'Pick') || of === undefined || keys === undefined) {
    return { name, has: () => true }
  }
  const named = new Set([...keys.getText().matchAll(/'([^']+)'/g)].map(([, key]) => key))
  const parent = of.getText().replace(/<.*/, '')
  return { name: parent, has: (member) => named.has(member) === (name === 'Pick') }
}

function samePackage(one: string, other: string): boolean {
  const folder = (file: string): string => file.split('/').slice(0, 2).join('/')
  return folder(one) === folder(other)
}

function rowOf(member: ts.TypeElement): Row[] {
  const name = member.name?.getText() ?? ''
  const isOptional = member.questionToken !== undefined
  const doc = docOf(member)
  if (ts.isPropertySignature(member)) {
    return [{ name, type: typeText(member.type, isOptional), isOptional, doc }]
  }
  if (!ts.isMethodSignature(member)) return []
  const type = `(${parametersOf(member)}) => ${typeText(member.type, false)}`
  return [{ name, type, isOptional, doc }]
}

/** Parameters as a caller sees them: a default makes one optional, and what only tests give is left out. */
export function parametersOf(node: ts.SignatureDeclaration): string {
  const shown = node.parameters.filter(({ name }) => name.getText() !== 'env')
  return shown
    .map(({ name, type, questionToken, initializer, dotDotDotToken }) => {
      const isOptional = questionToken !== undefined || initializer !== undefined
      const title = ts.isIdentifier(name) ? name.text : 'options'
      const dots = dotDotDotToken === undefined ? '' : '...'
      const given = typeText(type, isOptional) || initialType(initializer)
      return `${dots}${title}${isOptional ? '?' : ''}: ${given}`
    })
    .join(', ')
}

/** The type of a default that is written down as a number, a text or a truth. */
function initialType(initializer: ts.Expression | undefined): string {
  if (initializer === undefined) return 'unknown'
  if (ts.isStringLiteral(initializer)) return 'string'
  return /^(true|false)$/.test(initializer.getText()) ? 'boolean' : 'number'
}
