import type http from 'node:http'
import type { Broker } from '@skylarkmq/broker'
import { stackOfThrown, type Env } from '@skylarkmq/env'
import {
  brokerCollectors,
  brokerSource,
  exporterCollector,
  namesrvCollector,
  processCollector,
  writePage,
  type Collector,
} from '@skylarkmq/metrics'
import type { NameServer } from '@skylarkmq/namesrv'
import { CURRENT_VERSION, versionName } from '@skylarkmq/protocol'
import { metricsFailed } from './events.ts'
import { ProcessWatch } from './process-figures.ts'

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
/** What strangers may have of this port: connections, bytes of a request's head, pages under way, time. */
const CONNECTIONS_MAX = 32
const HEAD_BYTES_MAX = 8 * 1024
const PAGES_MAX = 2
const HEAD_MS = 5_000
const IDLE_MS = 10_000
const PAGE_MS = 60_000

/** The servers that are looked at. */
export interface Watched {
  readonly namesrv: NameServer | undefined
  readonly broker: Broker | undefined
}

/** The reader of a page is gone, or too slow. */
class ReaderGone extends Error {}

/** Metrics and health over HTTP. It answers GET and HEAD, and takes nothing. */
export class MetricsServer {
  readonly #env: Env
  readonly #watched: Watched
  readonly #process: ProcessWatch
  readonly #http: http.Server
  readonly #pages: ReadonlyMap<string, readonly Collector[]>
  #underWay = 0

  constructor(env: Env, watched: Watched, { createServer }: Pick<typeof http, 'createServer'>) {
    this.#env = env
    this.#watched = watched
    this.#process = new ProcessWatch(env.clock, env.disk, versionName(CURRENT_VERSION))
    this.#pages = pagesOf(watched, processCollector(this.#process.figures))
    this.#http = createServer(
      {
        maxHeaderSize: HEAD_BYTES_MAX,
        headersTimeout: HEAD_MS,
        requestTimeout: IDLE_MS,
        keepAliveTimeout: IDLE_MS,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => {
        this.#answer(request, response)
      },
    )
    this.#http.maxConnections = CONNECTIONS_MAX
    this.#http.timeout = IDLE_MS
  }

  /** Opens the port; resolves with it. Rejects with the host's error. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#http.once('error', reject)
      this.#http.listen({ host, port }, () => {
        this.#http.off('error', reject)
        this.#process.start()
        const address = this.#http.address()
        resolve(address === null || typeof address === 'string' ? port : address.port)
      })
      // The servers keep the process alive, not who looks at them.
      this.#http.unref()
    })
  }

  /** Closes the port and all connections. */
  stop(): Promise<void> {
    this.#process.stop()
    return new Promise((resolve) => {
      this.#http.close(() => {
        resolve()
      })
      this.#http.closeAllConnections()
    })
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    // A body is of no use here, and is not read: the connection ends with the answer.
    if (request.headers['content-length'] !== undefined || 'transfer-encoding' in request.headers)
      response.setHeader('Connection', 'close')
    const { method, url = '/' } = request
    if (method !== 'GET' && method !== 'HEAD') {
      end(response, 405, 'only GET and HEAD are answered here\n', { Allow: 'GET, HEAD' })
      return
    }
    const path = url.split('?', 1)[0] ?? '/'
    const collectors = this.#pages.get(path)
    if (collectors !== undefined) void this.#page(path, collectors, request, response)
    else this.#health(path, response)
  }

  #health(path: string, response: http.ServerResponse): void {
    switch (path) {
      case '/healthz':
      case '/livez':
      // Apache's exporter has this one.
      case '/-/healthy':
        end(response, 200, 'ok\n')
        return
      case '/readyz': {
        const why = this.#whyNotReady()
        end(response, why === undefined ? 200 : 503, `${why ?? 'ok'}\n`)
        return
      }
      default: {
        const paths = [...this.#pages.keys(), '/healthz', '/livez', '/readyz'].join('\n')
        end(response, path === '/' ? 200 : 404, `${paths}\n`)
      }
    }
  }

  /** Why clients should not be sent here now; undefined when they may. */
  #whyNotReady(): string | undefined {
    const { broker } = this.#watched
    if (broker === undefined) return undefined
    const { context } = broker
    if (context === undefined) return 'the broker has not started'
    // A slave takes no messages, and is there to be read.
    return context.role.isSlave ? undefined : context.store.whyNotWriteable()
  }

  async #page(
    path: string,
    collectors: readonly Collector[],
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    if (request.method === 'HEAD') {
      end(response, 200, '', { 'Content-Type': CONTENT_TYPE })
      return
    }
    if (this.#underWay >= PAGES_MAX) {
      end(response, 503, 'other scrapes are under way\n', { 'Retry-After': '1' })
      return
    }
    this.#underWay++
    try {
      response.writeHead(200, { 'Content-Type': CONTENT_TYPE })
      await this.#write(collectors, response)
      response.end()
    } catch (error) {
      // What was sent so far must not pass for a whole page.
      response.destroy()
      if (error instanceof ReaderGone) return
      this.#env.events.emit(metricsFailed, { path, reason: stackOfThrown(error) })
    } finally {
      this.#underWay--
    }
  }

  #write(collectors: readonly Collector[], response: http.ServerResponse): Promise<void> {
    const { clock } = this.#env
    const config = this.#watched.broker?.context?.config
    const untilMs = clock.monotonic() + PAGE_MS
    return writePage(collectors, {
      clock,
      seriesMax: config?.metricsOtelCardinalityLimit ?? 50_000,
      common: '',
      write: (text) => {
        if (response.destroyed || clock.monotonic() > untilMs) throw new ReaderGone()
        return response.write(text) ? undefined : drained(response)
      },
    })
  }
}

function pagesOf(
  { namesrv, broker }: Watched,
  ofProcess: Collector,
): ReadonlyMap<string, readonly Collector[]> {
  const metrics: Collector[] = []
  const pages = new Map<string, readonly Collector[]>([['/metrics', metrics]])
  if (broker?.context !== undefined) {
    const source = brokerSource(broker, broker.context)
    metrics.push(...brokerCollectors(source))
    pages.set('/metrics/exporter', [exporterCollector(source)])
  }
  if (namesrv !== undefined) metrics.push(namesrvCollector(namesrv, namesrv.timeRequests()))
  metrics.push(ofProcess)
  return pages
}

/** Resolves once more may be written. Rejects when the reader is gone. */
function drained(response: http.ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = (f: () => void) => () => {
      response.off('drain', onDrain)
      response.off('close', onClose)
      f()
    }
    const onDrain = ended(resolve)
    const onClose = ended(() => {
      reject(new ReaderGone())
    })
    response.on('drain', onDrain)
    response.on('close', onClose)
  })
}

function end(
  response: http.ServerResponse,
  status: number,
  text: string,
  headers: http.OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers })
  response.end(text)
}
