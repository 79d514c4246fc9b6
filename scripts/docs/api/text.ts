import ts from 'typescript'

/** What the comment above something says; empty when there is none. */
export function docOf(node: ts.Node): string {
  // As it is written: the compiler takes a decorator in an example for a tag.
  const text = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1)?.getText() ?? ''
  return text
    .replace(/^\/\*\*\s*(\* )?/, '')
    .replace(/\s*\*\/$/, '')
    .replaceAll(/\n *\* ?/g, '\n')
    .trim()
}

/** Codes of errors lead to their table. */
export function linked(text: string): string {
  return text.replaceAll(/`?\bRMQ_(?!SYS_)[A-Z_]+\b`?(?!…)/g, (code) =>
    code.endsWith('_') || code.endsWith('_`')
      ? code
      : `[${code.replaceAll('`', '')}](../errors.md)`,
  )
}

/** A paragraph as a cell of a table. */
export function cell(text: string): string {
  return linked(text).replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** The text of a node in one line. */
export function flat(node: ts.Node): string {
  const text = node.getText().replaceAll(/\/\*\*[^]*?\*\/\s*/g, '')
  return text
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/([([<]) | (?=[)\]>])/g, '$1')
    .replaceAll(/,(?=[)\]>])/g, '')
    .trim()
}

/** A type as a reader of options wants it: that it may be left out is said elsewhere. */
export function typeText(type: ts.TypeNode | undefined, isOptional: boolean): string {
  if (type === undefined) return ''
  const text = flat(type).replace(/^\| /, '')
  return isOptional ? text.replace(/ \| undefined$/, '') : text
}

const DEFAULT = /[;.,]\s*[Dd]efault:? (?!of)((?:`[^`]*`|\d+\.\d|[^.;`])+)(?:\.(?=\s|$)|$)/

/** Splits what a comment says of a default off it. */
export function defaultIn(doc: string): { readonly meaning: string; readonly byDefault: string } {
  const found = DEFAULT.exec(doc)
  if (found === null) return { meaning: doc, byDefault: '' }
  const before = doc.slice(0, found.index)
  const meaning = `${before}${/[.!?]$/.test(before) ? '' : '.'}${doc.slice(found.index + found[0].length)}`
  return { meaning, byDefault: found[1] ?? '' }
}
