/** What is changed in a request, one thing at a time, and what it is called in the table of answers. */
import { brokerBases, namesrvBases } from './requests.mjs'

/** Texts in place of a field's own, by the name of the column. */
const TEXTS = {
  empty: '',
  text: 'x',
  negative: '-1',
  'two to 31': '2147483648',
  'two to 53': '9007199254740992',
  'two to 63': '9223372036854775808',
  '64 KiB': 'x'.repeat(65_536),
  control: 'a\u0000b\u001b[31m\r\nc\u009bd',
  'path up': '../../x',
}

/** The columns of a field, in the order in which the answers are recorded. */
export const fieldColumns = ['left out', ...Object.keys(TEXTS), 'other case']

/** Bodies in place of a request's own. */
const BODIES = {
  none: undefined,
  'empty object': '{}',
  'empty list': '[]',
  null: 'null',
  number: '12',
  string: '"x"',
  garbage: Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x80]),
  'cut short': '{"a":[{"b":',
}

/** Columns of the row `whole body`. */
export const bodyColumns = Object.keys(BODIES)

/** What stands in place of a part of a JSON body. */
const PARTS = {
  'left out': undefined,
  null: null,
  text: 'x',
  number: 7,
  negative: -1,
  'two to 31': 2147483648,
  list: [],
  object: {},
  empty: '',
  control: TEXTS.control,
  'path up': TEXTS['path up'],
}

/** Columns of a part of a body. */
export const partColumns = Object.keys(PARTS)

/** Columns of the row `all`: nothing changed, no map of fields, a map without fields. */
export const wholeColumns = ['as it is', 'no fields', 'empty fields']

const swapCase = (name) =>
  /[a-z]/.test(name[0]) ? name[0].toUpperCase() + name.slice(1) : name.toLowerCase()

function* fieldCases(fieldNames) {
  for (const name of fieldNames) {
    for (const column of fieldColumns) {
      yield {
        row: name,
        column,
        change: (request) => {
          const { [name]: own, ...rest } = request.fields
          if (column === 'left out') return { ...request, fields: rest }
          if (column === 'other case') {
            return {
              ...request,
              fields: own === undefined ? rest : { ...rest, [swapCase(name)]: own },
            }
          }
          return { ...request, fields: { ...rest, [name]: TEXTS[column] } }
        },
      }
    }
  }
}

/** The paths to all parts of a JSON value; of lists and tables the first item only. */
function* pathsOf(value, path = []) {
  if (typeof value !== 'object' || value === null) return
  const entries = Array.isArray(value) ? [...value.entries()].slice(0, 1) : Object.entries(value)
  for (const [key, part] of entries) {
    yield [...path, key]
    yield* pathsOf(part, [...path, key])
  }
}

/** The value with the part at a path replaced, or taken out when `part` is undefined. */
function replaced(value, [key, ...rest], part) {
  const copy = Array.isArray(value) ? [...value] : { ...value }
  if (rest.length > 0) copy[key] = replaced(copy[key], rest, part)
  else if (part !== undefined) copy[key] = part
  else if (Array.isArray(copy)) copy.splice(key, 1)
  else delete copy[key]
  return copy
}

function jsonOf(body) {
  try {
    const value = JSON.parse(body.toString())
    return typeof value === 'object' ? value : undefined
  } catch {
    return undefined
  }
}

function* bodyCases(body) {
  for (const column of bodyColumns) {
    yield { row: '(body)', column, change: (request) => ({ ...request, body: BODIES[column] }) }
  }
  const json = body === undefined ? undefined : jsonOf(body)
  if (json === undefined) return
  for (const [i, path] of [...pathsOf(json)].entries()) {
    for (const column of partColumns) {
      yield {
        // A table's key is another for each case, its place is not.
        row: `(body) ${path.map((key) => (/-\d+$/.test(key) ? '*' : key)).join('.')}`,
        column,
        change: (request) => {
          const own = jsonOf(request.body)
          const ownPath = [...pathsOf(own)][i]
          return { ...request, body: JSON.stringify(replaced(own, ownPath, PARTS[column])) }
        },
      }
    }
  }
}

/** Fields that any request may carry. */
const COMMON = ['ns', 'nsd', 'bname', 'oway', 'lo']

function* casesOf(name, definition, base) {
  if (
    base === undefined &&
    Object.keys(definition.header).some((field) => !COMMON.includes(field))
  ) {
    throw new Error(`requests.mjs has no good request of ${name}`)
  }
  const sample = base?.('a-0', {}) ?? { fields: {} }
  for (const column of wholeColumns) {
    yield {
      row: '(all)',
      column,
      change: (request) => {
        if (column === 'as it is') return request
        return { ...request, fields: column === 'no fields' ? undefined : {} }
      },
    }
  }
  const fields = new Set(
    Object.keys(definition.header).map((field) => definition.wireNames?.[field] ?? field),
  )
  for (const field of Object.keys(sample.fields)) fields.add(field)
  yield* fieldCases(fields)
  yield* bodyCases(sample.body)
}

/**
 * All cases, as `{ id, server, request, code, row, column, make(n, state) }`; `make` answers the fields and the body to
 * send, and which topics and groups have to be there.
 */
export function allCases({ served, namesrvRequests }) {
  const cases = []
  const add = (server, requests, bases) => {
    for (const [request, definition] of Object.entries(requests)) {
      for (const { row, column, change } of casesOf(request, definition, bases[request])) {
        const make = (n, state) => change(bases[request]?.(n, state) ?? { fields: {} })
        cases.push({ id: cases.length, server, request, code: definition.code, row, column, make })
      }
    }
  }
  add('broker', served, brokerBases)
  add('namesrv', namesrvRequests, namesrvBases)
  return cases
}
