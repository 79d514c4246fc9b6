import ts from 'typescript'
import type { Exported, Exports } from './exports.ts'
import { code, interfaceTable, parametersOf } from './members.ts'
import { cell, docOf, flat, linked, typeText } from './text.ts'

/** Parameters that only this repository gives: a constructor with one of them is for nobody else. */
const INNER = new Set(['client', 'push', 'producer', 'parts', 'mq', 'clock'])
/** Types that only this repository has a use for. */
const INNER_TYPE = /^(Clock|EventSink)$/

/** What is said of something that a package exports; undefined of what is not for its users. */
export function declarationText(exports: Exports, exported: Exported): string | undefined {
  const { name, node } = exported
  const doc = linked(docOf(node))
  if (ts.isInterfaceDeclaration(node)) {
    return section(name + typeParameters(node), doc, interfaceTable(exports, exported))
  }
  if (ts.isClassDeclaration(node)) return classText(name, node, doc)
  if (ts.isTypeAliasDeclaration(node)) {
    return section(
      name + typeParameters(node),
      doc,
      fenced(`type ${name}${typeParameters(node)} = ${flat(node.type).replace(/^\| /, '')}`),
    )
  }
  if (ts.isFunctionDeclaration(node)) {
    return section(`${name}()`, fenced(signature(name, node)), doc)
  }
  if (!ts.isVariableStatement(node)) return undefined
  const [declaration] = node.declarationList.declarations
  if (declaration?.initializer?.getText().startsWith('defineEvent(') === true) return undefined
  return section(name, doc, fenced(`const ${name}${valueText(declaration)}`))
}

function classText(name: string, node: ts.ClassDeclaration, doc: string): string {
  const isError = /Error$/.test(name)
  const fields: string[] = []
  const methods: string[] = []
  for (const member of node.members) {
    if (isHidden(member)) continue
    const title = memberName(member)
    if (ts.isPropertyDeclaration(member) || ts.isGetAccessor(member)) {
      if (docOf(member) === '' || INNER_TYPE.test(member.type?.getText() ?? '')) continue
      const type = code(typeText(member.type, false))
      fields.push(`| \`${title}\` | ${type} | ${cell(docOf(member))} |`)
    } else if (ts.isConstructorDeclaration(member)) {
      const text = isError ? undefined : constructorText(name, member)
      if (text !== undefined) methods.push(text)
    } else if (ts.isMethodDeclaration(member) && !/^Called by /.test(docOf(member))) {
      const head = `#### ${name}${title.startsWith('[') ? '' : '.'}${title}`
      methods.push([head, fenced(signature(title, member)), linked(docOf(member))].join('\n\n'))
    }
  }
  const table =
    fields.length === 0
      ? ''
      : `| field | type | meaning |\n| --- | --- | --- |\n${fields.join('\n')}`
  const errorCode = isError ? /'(RMQ_\w+)'/.exec(node.getText())?.[1] : undefined
  const which =
    errorCode === undefined ? '' : `Code: [${errorCode}](../errors.md).${valuesText(node)}`
  return section(name + typeParameters(node), doc, which, table, ...methods)
}

/** What an error of a table carries. */
function valuesText(node: ts.ClassDeclaration): string {
  const parent = node.heritageClauses?.[0]?.types[0]?.expression
  if (parent === undefined || !ts.isCallExpression(parent)) return ''
  const [values] = parent.typeArguments ?? []
  return values === undefined ? '' : ` Its \`values\`: \`${flat(values)}\`.`
}

/** The type of a constant, or its value where that says more. */
function valueText(declaration: ts.VariableDeclaration | undefined): string {
  if (declaration?.type !== undefined) return `: ${flat(declaration.type)}`
  const value = declaration?.initializer
  if (value === undefined) return ''
  const text = value.getText().replaceAll(/\/\*\*[^]*?\*\/\s*/g, '')
  if (ts.isStringLiteral(value) || ts.isAsExpression(value)) {
    return text.length < WIDE * 4 ? ` = ${text}` : ''
  }
  return ''
}

function isHidden(member: ts.ClassElement): boolean {
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return true
  const modifiers = ts.canHaveModifiers(member) ? ts.getModifiers(member) : undefined
  return (
    modifiers?.some(
      ({ kind }) =>
        kind === ts.SyntaxKind.PrivateKeyword ||
        kind === ts.SyntaxKind.ProtectedKeyword ||
        kind === ts.SyntaxKind.DeclareKeyword,
    ) === true
  )
}

function memberName(member: ts.ClassElement): string {
  return member.name?.getText() ?? ''
}

function constructorText(name: string, node: ts.ConstructorDeclaration): string | undefined {
  if (node.parameters.some((each) => INNER.has(each.name.getText()))) return undefined
  const head = `#### new ${name}`
  const call = fenced(`new ${name}(${parametersOf(node)})`)
  return [head, call, linked(docOf(node))].join('\n\n')
}

function signature(name: string, node: ts.FunctionDeclaration | ts.MethodDeclaration): string {
  const returns = node.type === undefined ? '' : `: ${typeText(node.type, false)}`
  return `${name}${typeParameters(node)}(${parametersOf(node)})${returns}`
}

function typeParameters(node: {
  typeParameters?: ts.NodeArray<ts.TypeParameterDeclaration> | undefined
}): string {
  const all = node.typeParameters?.map(flat).join(', ')
  return all === undefined ? '' : `<${all}>`
}

function fenced(text: string): string {
  return `\`\`\`ts\n${wrapped(text)}\n\`\`\``
}

const WIDE = 100

/** A long signature with a parameter a line. */
function wrapped(text: string): string {
  if (text.length <= WIDE) return text
  const open = text.indexOf('(')
  const close = closing(text, open)
  if (open < 0 || close < 0) return text
  const inner = text.slice(open + 1, close)
  return `${text.slice(0, open)}(\n${split(inner)
    .map((each) => `  ${each},`)
    .join('\n')}\n${text.slice(close)}`
}

/** Where the bracket closes that opens there. */
function closing(text: string, open: number): number {
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if (text[i] === '(') depth++
    if (text[i] === ')' && --depth === 0) return i
  }
  return -1
}

/** The parts of a list, at its own commas alone. */
function split(list: string): string[] {
  const parts: string[] = []
  let depth = 0
  let begin = 0
  for (let i = 0; i < list.length; i++) {
    const letter = list[i] ?? ''
    if ('([{<'.includes(letter)) depth++
    if (')]}'.includes(letter) || (letter === '>' && list[i - 1] !== '=')) depth--
    if (letter !== ',' || depth > 0) continue
    parts.push(list.slice(begin, i).trim())
    begin = i + 1
  }
  return [...parts, list.slice(begin).trim()].filter((part) => part !== '')
}

function section(title: string, ...parts: string[]): string {
  return [`### ${title.replaceAll('<', '\\<')}`, ...parts.filter((part) => part !== '')].join(
    '\n\n',
  )
}
