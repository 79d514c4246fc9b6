import ts from 'typescript'
import { declarationText } from './declarations.ts'
import { Exports, type Exported } from './exports.ts'

/** A page of the reference. */
interface Page {
  readonly title: string
  readonly says: string
  /** The package's entry. */
  readonly index: string
  /** Which of its exports are on it, in which parts; the first that fits has it. Default all, without parts. */
  readonly parts?: readonly { readonly title: string; readonly has: RegExp }[]
}

const CLIENT = 'packages/client/src/index.ts'
const FOLDER = 'docs/reference/api'
const PRINTED = '<!-- Printed from the docstrings by `npm run docs`; do not edit. -->\n'

const PRODUCER = /client\/src\/producer\//
const CONSUMER = /client\/src\/(consumer|rebalance|offset)\//
const ADMIN = /client\/src\/admin\//
const ERRORS = /client\/src\/errors/

const PAGES: Readonly<Record<string, Page>> = {
  client: {
    title: '@skylarkmq/client: the client',
    says: 'What everything else is made by, messages, bodies with a type, logging and tracing.',
    index: CLIENT,
    parts: [
      { title: 'The client', has: /src\/rocketmq\.ts/ },
      { title: 'Messages', has: /src\/(message|duration)\.ts/ },
      { title: 'Bodies with a type', has: /src\/serde\// },
      { title: 'Logging and tracing', has: /src\/(logger|tracing)\.ts/ },
      { title: 'Names of the protocol', has: /packages\/(env|protocol)\// },
      { title: 'Options of clients that are made one by one', has: /src\/options\.ts/ },
    ],
  },
  'client-producer': {
    title: '@skylarkmq/client: producers',
    says: 'Sending, transactions, requests and replies.',
    index: CLIENT,
    parts: [{ title: '', has: PRODUCER }],
  },
  'client-consumer': {
    title: '@skylarkmq/client: consumers and readers',
    says: 'Consuming as a member of a group, and reading without one.',
    index: CLIENT,
    parts: [
      { title: 'Consumers', has: /src\/consumer\/(consumer|deliveries|consuming|check)/ },
      { title: 'Readers', has: /src\/consumer\/topic-reader|src\/offset\// },
      { title: 'How queues are shared out', has: /src\/rebalance\// },
      { title: 'The engine beneath', has: CONSUMER },
    ],
  },
  'client-admin': {
    title: '@skylarkmq/client: administration',
    says: 'Topics, groups, messages, dead letters and brokers: what `mq.admin()` returns.',
    index: CLIENT,
    parts: [{ title: '', has: ADMIN }],
  },
  'client-errors': {
    title: '@skylarkmq/client: errors',
    says: 'Classes and their fields; [the table of codes](../errors.md) says what to do.',
    index: CLIENT,
    parts: [{ title: '', has: ERRORS }],
  },
  testing: {
    title: '@skylarkmq/testing',
    says: 'A server for tests, in their own process.',
    index: 'packages/testing/src/index.ts',
  },
  idempotent: {
    title: '@skylarkmq/idempotent',
    says: 'Messages that take effect once.',
    index: 'packages/idempotent/src/index.ts',
  },
  opentelemetry: {
    title: '@skylarkmq/opentelemetry',
    says: 'Spans of what the client sends and consumes.',
    index: 'packages/opentelemetry/src/index.ts',
  },
  nestjs: {
    title: '@skylarkmq/nestjs',
    says: 'A transport, a module and decorators for NestJS.',
    index: 'integrations/nestjs/src/index.ts',
  },
  fastify: {
    title: '@skylarkmq/fastify',
    says: 'A plug-in for Fastify.',
    index: 'integrations/fastify/src/index.ts',
  },
}

/** The pages of docs/reference/api by file, made of the sources alone. */
export function apiPages(root: string): Map<string, string> {
  const exports = new Exports(root)
  const pages = Object.entries(PAGES).map(
    ([name, page]) => [`${FOLDER}/${name}.md`, pageText(exports, page)] as const,
  )
  return new Map([[`${FOLDER}/README.md`, indexPage(exports)], ...pages])
}

function pageText(exports: Exports, page: Page): string {
  const { title, says, parts } = page
  const body = sharedOut(exports, page).map(({ part, all }) => {
    const texts = all.flatMap((exported) => declarationText(exports, exported) ?? [])
    return [...(part === '' ? [] : [`## ${part}`]), ...texts].join('\n\n')
  })
  const way = parts === undefined ? '' : ' ([all pages](README.md))'
  return `${[PRINTED, `# ${title}\n`, `${says}${way}\n`, body.join('\n\n')].join('\n')}\n`
}

/** The exports of a page, in its parts. */
function sharedOut(
  exports: Exports,
  { index, parts = [{ title: '', has: /./ }] }: Page,
): { readonly part: string; readonly all: readonly Exported[] }[] {
  const left = new Set(exports.of(index))
  return parts.map(({ title, has }) => {
    const all = [...left].filter(({ file }) => has.test(file))
    for (const each of all) left.delete(each)
    return { part: title, all: all.sort((one, other) => rank(one) - rank(other)) }
  })
}

/** What one calls comes before what one gives it. */
function rank({ node }: Exported): number {
  return ts.isClassDeclaration(node) || ts.isFunctionDeclaration(node) ? 0 : 1
}

function indexPage(exports: Exports): string {
  const rows = Object.entries(PAGES).map(([name, page]) => {
    const all = sharedOut(exports, page).flatMap((each) => each.all)
    const shown = all.filter((each) => declarationText(exports, each) !== undefined)
    const names = shown.map((each) => `\`${each.name}\``).join(', ')
    return `| [${page.title}](${name}.md) | ${page.says} | ${names} |`
  })
  return [
    PRINTED,
    '# Reference of the packages for Node\n',
    'Printed from the docstrings. The [guides](../../README.md) say how things are used.\n',
    `| page | | names |\n| --- | --- | --- |\n${rows.join('\n')}\n`,
  ].join('\n')
}
