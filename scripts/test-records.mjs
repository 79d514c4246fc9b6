// Holds what the tests' recorder saw against the requests' rows: a request that no test asks, or an answer outside its row.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** What every request may be answered with. */
const ANY = new Set([
  'SUCCESS',
  'SYSTEM_ERROR',
  'SYSTEM_BUSY',
  'INVALID_PARAMETER',
  'NO_PERMISSION',
])
/** Fields that a broker puts into answers to sends beside their row's. */
const STAMP = ['MSG_REGION', 'TRACE_ON']

/** Sentences about what is wrong; none when all is well. */
export async function problemsOfRecords(root, folder) {
  const load = (name) =>
    import(pathToFileURL(path.join(root, `packages/${name}/dist/src/index.js`)))
  const { brokerRequests, namesrvRequests, responseName } = await load('protocol')
  const { servedRequests } = await load('broker')
  const rows = { ...brokerRequests, ...namesrvRequests }
  const asked = new Set()
  const problems = new Set()
  for (const { request, code, fields } of recordsOf(folder)) {
    asked.add(request)
    const row = rows[request]
    // Requests of a test's own.
    if (row === undefined) continue
    const name = responseName(code)
    if (!ANY.has(name) && row.refusals?.includes(name) !== true) {
      problems.add(`${request} was answered with ${name}, which is not in its row`)
    }
    for (const field of fields) {
      if (!(field in row.reply) && !STAMP.includes(field)) {
        problems.add(`${request} was answered with the field ${field}, which is not in its row`)
      }
    }
    if (name !== 'SUCCESS') continue
    for (const [field, { required }] of Object.entries(row.reply)) {
      if (required && !fields.includes(field)) {
        problems.add(`${request} was answered without the field ${field}, which its row requires`)
      }
    }
  }
  for (const request of Object.keys({ ...servedRequests, ...namesrvRequests })) {
    if (!asked.has(request)) problems.add(`${request} is asked by no test`)
  }
  return [...problems].sort()
}

function* recordsOf(folder) {
  for (const file of readdirSync(folder)) {
    for (const [key] of JSON.parse(readFileSync(path.join(folder, file), 'utf8'))) {
      const [request, code, fields] = key.split(' ')
      yield { request, code: Number(code), fields: fields === '' ? [] : fields.split(',') }
    }
  }
}
