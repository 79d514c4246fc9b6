/** The examples of this repository, and what each shows on any cluster. */
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const examples = join(dirname(fileURLToPath(import.meta.url)), '../../../examples')

/** What each example shows, its lines sorted; a pattern stands for a line whose rest differs from run to run. */
const shown = {
  // Not before; how much later depends on the machine.
  'deliver-later.mjs': [
    /^got after a level, stored ([5-9]|\d\d)\d{3} ms/,
    /^got after a while, stored ([1-9]|\d\d)\d{3} ms/,
    /^got at a time, stored ([3-9]|\d\d)\d{3} ms/,
  ],
  'recall.mjs': [/^called back [0-9A-F]{32}$/, 'got kept', 'too late: 604'],
  'transaction.mjs': ['got paid', 'got paid, and not said'],
  'send-and-consume.mjs': [
    ...['five', 'four', 'one', 'six', 'three', 'two'].map((body) => `got ${body}`),
    ...['one', 'three', 'two'].map((body) => new RegExp(`^sent ${body} as [0-9A-F]{32}: queue`)),
    'sent 3 more: SEND_OK, SEND_OK, SEND_OK',
  ],
  'one-way.mjs': [
    ...[19, 20, 21].map((degrees) => `got ${degrees}`),
    ...[19, 20, 21].map((degrees) => new RegExp(`^on its way: ${degrees} as`)),
  ],
  'batch.mjs': [/^sent 1000 messages in \d requests$/],
  'ordered.mjs': [1, 2, 3].map((n) => `order-${n}: created, paid, shipped`),
  'one-at-a-time.mjs': ['ann', 'bob'].map((customer) => `${customer}: 1, 2, 3`),
  'pause-and-seek.mjs': [
    ...['mail 1', 'mail 2', 'price 1', 'price 1', 'price 2', 'price 2'].map(
      (body) => `got ${body}`,
    ),
  ],
  'metrics.mjs': ['messages: 3', 'oneway: 0', 'sends that were timed: 3'],
  'opentelemetry.mjs': ['process Spans is below send Spans: true'],
  'shutdown.mjs': [
    ...['SIGTERM: no new work', 'began one', 'done one, told to hurry: false', 'ended'],
  ],
  'typed.mjs': [/^RMQ_SERDE: /, 'got order 1: tea', 'got order 2: cup'],
  'request-reply.mjs': ['got 1 + 2 = 3', 'got 3 + 4 + 5 = 12'],
  'filter-by-sql.mjs': ['got chair', 'got teapot'],
  'for-await.mjs': [
    ...[1, 2, 3, 4].map((n) => `got card ${n}`),
    ...[1, 2, 3].map((n) => `got letter ${n}`),
  ],
  'broadcast.mjs': ['prices', 'rights'].flatMap((what) =>
    ['first', 'second'].map((name) => `got ${what} changed, at the ${name}`),
  ),
  'dead-letters.mjs': ['dead: four', 'got 4', 'got 4', 'got 5', 'sent 1 again'],
  'admin.mjs': [
    ...['behind: 0', /^behind: [369]$/, 'found message 2', 'queues that begin again: 2'],
    ...[1, 2, 3].map((n) => `browsed message ${n}`),
    /^the broker listens at \d+$/,
  ],
  'admin-of-messages.mjs': [
    ...['example-watched wants paid || refunded of Watched', 'example-watched: consumed'],
    ...[/^waiting for their time: \d+$/, 'for Watched in 60 minutes', /^open transactions: \d+$/],
  ],
  'errors.mjs': [
    ...[/^RMQ_MESSAGE: /, /^RMQ_OPTION: /, /^RMQ_TIMEOUT while it was in «wait»: /],
    /^RMQ_NAME_SERVER, try again: /,
  ],
  'trace.mjs': [
    'handled, of 4bf92f3577b34da6a3ce929d0e0e4736',
    'sent to Traced: SEND_OK',
    'the trace topic knows the message',
  ],
  'health.mjs': [
    ...['after close(): ready 503', 'before it runs: live 200, ready 503', 'it runs: ready 200'],
    /^queues: \d+, behind: \d+$/,
  ],
  'behind-a-proxy.mjs': [
    ...['as usual', 'reset', 'late', 'forgotten'].map((name) => `sent ${name}`),
    'got 4',
  ],
  'consume-write-produce.mjs': [...[1, 2, 3].map((n) => `dispatch order-${n}`), 'in stock: 7'],
  'take-effect-once.mjs': [1, 2, 3].map((n) => `billed order-${n}`),
}
/** Its topic has the messages of all showings. */
const growing = new Set(['admin.mjs'])
/** Messages with a time of their own came with 5.0. */
const needs5 = new Set(['deliver-later.mjs', 'recall.mjs', 'admin-of-messages.mjs'])

/** Runs one example; throws with what it printed unless it showed what it should. */
async function show(name, nameServer) {
  const args = [join(examples, name), nameServer]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 90_000 }).catch(
    ({ killed, code, stdout, stderr }) => {
      throw new Error(`${killed ? 'it did not end' : `it ended with ${code}`}\n${stdout}${stderr}`)
    },
  )
  const all = stdout.trim().split('\n').sort()
  const lines = growing.has(name) ? [...new Set(all)] : all
  const wanted = shown[name]
  const isOk =
    lines.length === wanted.length &&
    wanted.every((each) =>
      lines.some((line) => (each instanceof RegExp ? each.test(line) : each === line)),
    )
  if (!isOk) throw new Error(`it printed\n${lines.join('\n')}`)
}

/** Checks of all examples that a broker of this version can show, as [name, check]. */
export function exampleChecks(version) {
  return Object.keys(shown)
    .filter((name) => !(version.startsWith('4.') && needs5.has(name)))
    .map((name) => [`example/${name}`, ({ nameServer }) => show(name, nameServer)])
}
