import { allBrokerOptions, notServed, servedAs } from '@skylarkmq/broker'
import * as broker from '@skylarkmq/broker'
import * as client from '@skylarkmq/client'
import * as env from '@skylarkmq/env'
import * as namesrv from '@skylarkmq/namesrv'
import { namesrvOptions } from '@skylarkmq/namesrv'
import * as protocol from '@skylarkmq/protocol'
import {
  brokerRequests,
  clientRequests,
  namesrvRequests,
  type OptionTable,
  type RequestDefinition,
} from '@skylarkmq/protocol'
import * as remoting from '@skylarkmq/remoting'
import * as server from '@skylarkmq/server'
import * as store from '@skylarkmq/store'
import { mqadminPage, recordedCalls } from './mqadmin-page.ts'

const PRINTED = '<!-- Printed from the tables by `npm run docs`; do not edit. -->\n'

/** The pages of docs/reference by file. */
export function referencePages(): Map<string, string> {
  return new Map([
    ['docs/reference/protocol.md', protocolPage()],
    ['docs/reference/compatibility.md', compatibilityPage()],
    [
      'docs/reference/broker-config.md',
      configPage('Configuration of the broker', allBrokerOptions),
    ],
    [
      'docs/reference/namesrv-config.md',
      configPage('Configuration of the name server', namesrvOptions),
    ],
    ['docs/reference/errors.md', errorsPage()],
    ['docs/reference/mqadmin.md', mqadminPage(PRINTED, recordedCalls())],
    ['docs/reference/events.md', eventsPage()],
  ])
}

type AnyDefinition = RequestDefinition

function protocolPage(): string {
  const part = (title: string, requests: object): string =>
    `## ${title}\n\n${Object.values(requests as Record<string, AnyDefinition>)
      .map(requestText)
      .join('\n')}`
  return [
    PRINTED,
    '# Requests of the remoting protocol\n',
    'Every request that Skylark knows, with the fields of its header and of its answer, and the codes that its answer may have ' +
      'beside SUCCESS, SYSTEM_ERROR, SYSTEM_BUSY, INVALID_PARAMETER and NO_PERMISSION, which any may have.\n',
    part('To a broker', brokerRequests),
    part('To a name server', namesrvRequests),
    part('To a client', clientRequests),
  ].join('\n')
}

function requestText(definition: AnyDefinition): string {
  const fields = (title: string, list: AnyDefinition['header']): string => {
    const rows = Object.entries(list).map(([name, field]) => {
      const wire = definition.wireNames?.[name]
      const shown = wire === undefined || title !== 'header' ? name : `${name} (${wire})`
      return `| ${shown} | ${field.type.name} | ${field.required && field.fallback === undefined ? 'yes' : ''} | ${cell(field.doc)} |`
    })
    if (rows.length === 0) return ''
    return `\n| ${title} | type | required | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`
  }
  const head = `### ${definition.code} ${definition.name}\n\n${definition.doc} (${definition.source})\n`
  const refusals = definition.refusals?.join(', ')
  const refused = refusals === undefined ? '' : `\nMay be answered with ${refusals}.\n`
  return head + fields('header', definition.header) + fields('answer', definition.reply) + refused
}

function compatibilityPage(): string {
  const rows = Object.values(brokerRequests).map((definition: AnyDefinition) => {
    const why = (notServed as Readonly<Record<string, string>>)[definition.name]
    const { lane = '', action = '' } = servedAs[definition.name] ?? {}
    const served = why === undefined ? 'yes' : `no: ${why}`
    return `| ${definition.code} | ${definition.name} | ${served} | ${lane} | ${action} |`
  })
  const names = Object.values(namesrvRequests).map(
    (definition: AnyDefinition) => `| ${definition.code} | ${definition.name} | yes |`,
  )
  const head = '| code | request | served |\n| --- | --- | --- |\n'
  const brokerHead =
    '| code | request | served | lane | action |\n| --- | --- | --- | --- | --- |\n'
  return [
    PRINTED,
    '# What is served\n',
    'Compared with Apache RocketMQ 5.3.3. A request that is not served is answered with',
    'REQUEST_CODE_NOT_SUPPORTED (3), as Apache answers one that it does not know.\n',
    '## Broker\n',
    'The lane is what limits how many are under way (Apache has a thread pool for each), the action what the request does to',
    'the topics and groups that it names.\n',
    `${brokerHead}${rows.join('\n')}\n`,
    `## Name server\n\n${head}${names.join('\n')}\n`,
  ].join('\n')
}

function configPage(title: string, table: OptionTable): string {
  const rows: string[] = []
  const without: string[] = []
  for (const [key, option] of Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (option.kind === 'ignored') {
      without.push(`| ${key} | ${cell(String(option.default))} | ${cell(option.doc)} |`)
      continue
    }
    const unit = option.unit === undefined ? '' : ` ${option.unit}`
    const differs = option.differs === undefined ? '' : ` Differs: ${option.differs}`
    const live = option.applies === 'live' ? 'yes' : ''
    rows.push(
      `| ${key} | ${cell(String(option.default))}${unit} | ${live} | ${cell(option.doc + differs)} |`,
    )
  }
  return [
    PRINTED,
    `# ${title}\n`,
    'Names and defaults are those of Apache RocketMQ 5.3.3 unless a row says otherwise. «Live» keys may be',
    'changed while the process runs.\n',
    `| key | default | live | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`,
    '## Accepted, without effect\n',
    `| key | default in Apache | why |\n| --- | --- | --- |\n${without.join('\n')}\n`,
  ].join('\n')
}

interface ErrorClass {
  readonly code: string
  readonly row: { readonly does: string; readonly for: string }
}

function errorsPage(): string {
  const all: Record<string, unknown> = {
    ...protocol,
    ...remoting,
    ...store,
    ...broker,
    ...namesrv,
    ...client,
    ...server,
  }
  const rows = Object.entries(all)
    .filter((entry): entry is [string, ErrorClass] => isErrorClass(entry[1]))
    .map(([name, { code, row }]) => `| ${code} | ${name} | ${row.for} | ${cell(row.does)} |`)
    .sort()
  return [
    PRINTED,
    '# Errors\n',
    'Codes are for programs and never change their meaning.\n',
    `| code | class | who can act | what happens, or what to do |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`,
  ].join('\n')
}

function isErrorClass(value: unknown): boolean {
  return typeof value === 'function' && 'row' in value && 'code' in value
}

interface EventRow {
  readonly name: string
  readonly level: string
  readonly says: string
}

function eventsPage(): string {
  const rows = Object.values({
    ...env,
    ...remoting,
    ...store,
    ...broker,
    ...namesrv,
    ...client,
    ...server,
  } as Record<string, unknown>)
    .filter(isEvent)
    .map(({ name, level, says }) => `| ${name} | ${level} | ${cell(says)} |`)
    .sort()
  return [
    PRINTED,
    '# Events\n',
    'What the log says; with `--log json`, `event` is the name and each field comes by itself.\n',
    `| event | level | says |\n| --- | --- | --- |\n${rows.join('\n')}\n`,
  ].join('\n')
}

function isEvent(value: unknown): value is EventRow {
  return typeof value === 'object' && value !== null && 'says' in value && 'level' in value
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
