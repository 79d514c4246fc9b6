/** What a package's sources may import: packages of this repository, and modules of Node and of others. */
export interface ImportRule {
  readonly packages: readonly string[]
  readonly modules: readonly string[]
}

/** The table of who may import whom. Tests may import more, see `TEST_MODULES`. */
export const IMPORTS: Readonly<Record<string, ImportRule>> = {
  env: { packages: [], modules: [] },
  protocol: { packages: [], modules: ['node:buffer', 'node:zlib'] },
  remoting: { packages: ['env', 'protocol'], modules: ['node:diagnostics_channel'] },
  store: { packages: ['env', 'protocol'], modules: ['node:buffer'] },
  'store-tools': { packages: ['env', 'protocol', 'store'], modules: ['node:buffer'] },
  namesrv: { packages: ['env', 'protocol', 'remoting'], modules: [] },
  broker: { packages: ['env', 'protocol', 'remoting', 'store'], modules: ['node:crypto'] },
  client: {
    packages: ['env', 'protocol', 'remoting'],
    modules: ['node:async_hooks', 'node:crypto', 'node:diagnostics_channel', 'node:events'],
  },
  server: {
    packages: [
      ...['env', 'protocol', 'remoting', 'store'],
      ...['namesrv', 'broker', 'client', 'metrics'],
    ],
    modules: ['node:http', 'node:os', 'node:path'],
  },
  metrics: {
    packages: ['env', 'protocol', 'remoting', 'store', 'namesrv', 'broker'],
    modules: [],
  },
  idempotent: { packages: ['env', 'client'], modules: ['node:crypto'] },
  opentelemetry: {
    packages: ['client'],
    modules: ['@opentelemetry/api', 'node:diagnostics_channel'],
  },
  testing: {
    packages: ['env', 'broker', 'client', 'server'],
    modules: ['node:diagnostics_channel', 'node:net'],
  },
  nestjs: {
    packages: ['client'],
    modules: [
      '@nestjs/common',
      '@nestjs/core',
      // Makes what has a scope, for controllers too: Nest's own packages take it from there.
      '@nestjs/core/injector/injector.js',
      '@nestjs/microservices',
      'rxjs',
    ],
  },
  fastify: { packages: ['client'], modules: ['fastify', 'fastify-plugin'] },
  skylarkmq: {
    packages: [
      ...['env', 'protocol', 'remoting', 'store', 'store-tools'],
      ...['namesrv', 'broker', 'client', 'server'],
    ],
    modules: [
      ...['commander', 'fast-string-width', 'yaml'],
      ...['node:fs', 'node:path', 'node:readline/promises'],
    ],
  },
}

/** Parts of packages that have names of their own, and the packages that may import them. */
export const DEEP_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  '@skylarkmq/store/internals': ['store-tools'],
}

/** Parts of packages that all tests may import. */
export const DEEP_IMPORTS_OF_TESTS = ['@skylarkmq/env/sim', '@skylarkmq/store/test-support']

/** Packages whose index is for users. */
export const PUBLISHED: readonly string[] = [
  ...['client', 'testing', 'idempotent', 'opentelemetry', 'skylarkmq'].map(
    (name) => `packages/${name}`,
  ),
  ...['nestjs', 'fastify'].map((name) => `integrations/${name}`),
]

/** The order of what lies in a package's `src`. */
export interface FolderOrder {
  /** Folders, and files beside them, from low to high: each imports what comes before. Files that it does not name come last. */
  readonly order: readonly string[]
  /** Imports that run uphill all the same, as `from → to`, each with the reason. */
  readonly uphill: Readonly<Record<string, string>>
}

const CONTEXT = 'the table of what processors share still names its parts one by one'

/** The order of folders inside packages. */
export const FOLDER_ORDERS: Readonly<Record<string, FolderOrder>> = {
  store: {
    order: [
      'errors.ts',
      'events.ts',
      'message',
      'options-ignored.ts',
      'options.ts',
      'store-stats.ts',
      'segment',
      'checkpoint',
      'delivery',
      'index',
      'consumequeue',
      'commitlog',
      'dispatch',
      'timer',
      'recovery',
      'read',
      'retention',
      'upkeep',
    ],
    uphill: {},
  },
  'store-tools': { order: ['check', 'inspect', 'repair'], uphill: {} },
  broker: {
    order: [
      'errors.ts',
      'events.ts',
      'data-version.ts',
      'json-table.ts',
      'options-flow.ts',
      'options-ignored.ts',
      'options-limits.ts',
      'options.ts',
      'in-turns.ts',
      'table-limits.ts',
      'response-of-status.ts',
      'see-faq.ts',
      'all-options.ts',
      'stats',
      'topic',
      'subscription',
      'consumer',
      'producer',
      'filter',
      'send',
      'transaction',
      'schedule',
      'longpolling',
      'reading',
      'registration',
      'flow',
      'broker-role.ts',
      'live-config.ts',
      'broker-context.ts',
      'lag',
      'processors',
    ],
    uphill: {
      'filter/pull-filter.ts → broker-context.ts': CONTEXT,
      'reading/may-read.ts → broker-context.ts': CONTEXT,
      'reading/subscription-of.ts → broker-context.ts': CONTEXT,
      'send/send-reply.ts → broker-context.ts': CONTEXT,
      'send/special-message.ts → broker-context.ts': CONTEXT,
      'send/special-message.ts → transaction/half-message.ts':
        'a half message is sent as others are, and is made as transactions read it',
      'send/timer-message.ts → broker-context.ts': CONTEXT,
      'send/uniq-key.ts → broker-context.ts': CONTEXT,
      'topic/auto-create.ts → broker-context.ts': CONTEXT,
      'transaction/transaction-parts.ts → broker-context.ts': CONTEXT,
    },
  },
}

/** Folders that may use all of Node, because they are the host. */
export const HOST_FOLDERS = ['packages/env/src/node/']

/** Modules that any test may import besides. */
export const TEST_MODULES = [
  /^node:/,
  /^(fast-check|ioredis|mysql2\/promise|pg|reflect-metadata|zod)$/,
  /^@opentelemetry\//,
]

/** A call that only the host's folder may make, and what to use in its place. */
export interface Ban {
  readonly pattern: RegExp
  readonly instead: string
  /** Packages that may all the same: they are the process. */
  readonly allowedIn?: readonly string[]
}

/** Calls that would make a node depend on its host behind the back of `Env`. */
export const BANS: readonly Ban[] = [
  { pattern: /\bDate\.now\s*\(/, instead: 'env.clock.now()' },
  { pattern: /\bnew Date\s*\(\s*\)/, instead: 'env.clock.now()' },
  { pattern: /\bperformance\./, instead: 'env.clock.monotonic()', allowedIn: ['skylarkmq'] },
  { pattern: /\bMath\.random\s*\(/, instead: 'env.random.next()' },
  { pattern: /\bset(Timeout|Interval|Immediate)\s*\(/, instead: 'env.clock.after() or env.turn' },
  { pattern: /\brandomBytes\s*\(/, instead: 'env.random.bytes()' },
  { pattern: /\bconsole\./, instead: 'env.events.emit(), or print() in the command line' },
  { pattern: /\bprocess\./, instead: 'a parameter', allowedIn: ['skylarkmq', 'server'] },
]

/** Words that mean unfinished work, in pieces so that this file passes its own check. */
export const UNFINISHED = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`)

/** Most lines of a file, and of a function in a package's sources. */
export const FILE_LINES_MAX = 500
export const FUNCTION_LINES_MAX = 70
/** Most bytes of a file that is not golden. */
export const FILE_BYTES_MAX = 256 * 1024
