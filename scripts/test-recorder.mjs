// Loaded into every process of a test run (`--import`): writes down which requests were answered, and with which codes and
// fields. `test-records.mjs` reads it at the end.
import { subscribe } from 'node:diagnostics_channel'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const directory = process.env.SKYLARK_RECORD
/** By request: how often each code came, with the names of the fields that came with it. */
const seen = new Map()

if (directory !== undefined) {
  subscribe('skylarkmq.request.answered', ({ request, code, fields }) => {
    const key = `${request} ${code} ${Object.keys(fields).sort().join(',')}`
    seen.set(key, (seen.get(key) ?? 0) + 1)
  })
  process.on('exit', () => {
    if (seen.size === 0) return
    const file = join(directory, `${process.pid}-${process.hrtime.bigint()}.json`)
    writeFileSync(file, JSON.stringify([...seen]))
  })
}
