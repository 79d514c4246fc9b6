/**
 * Starts Apache RocketMQ's own programs on loopback: name server, broker, proxy, the admin tool, or
 * any main class. The jars come from Maven's repository once and are kept in a cache directory.
 *
 * Environment: ROCKETMQ_VERSION (5.3.3), SKYLARK_ROCKETMQ_CACHE (where the jars are kept).
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { requireTool, runToEnd, startProcess, waitListening, waitUntil } from '../lib/processes.mjs'
import { hasRoute, isRegistered } from '../lib/remoting.mjs'

const here = dirname(fileURLToPath(import.meta.url))

/** The Apache version that is started. */
export const apacheVersion = process.env.ROCKETMQ_VERSION ?? '5.3.3'

/** Where the jars of a version lie, and under `lib` nothing but jars. */
export function apacheCache(version = apacheVersion) {
  const given = process.env.SKYLARK_ROCKETMQ_CACHE
  if (given !== undefined && version === apacheVersion) return given
  return join(homedir(), '.cache', 'skylark', `apache-rocketmq-${version}`)
}

// What Apache's scripts open to the programs on a Java of 17 and later.
const javaOpens = [
  '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED',
  '--add-opens=java.base/java.nio=ALL-UNNAMED',
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-opens=java.base/java.util=ALL-UNNAMED',
  '--add-opens=java.base/java.lang=ALL-UNNAMED',
]

/** Throws `MissingTool` when there is no Java. */
export function requireJava() {
  requireTool('java', ['-version'], "to run Apache's programs", 'Install a JDK of 17 or later.')
}

/** Fetches the jars unless they are there; returns the class path. */
export function apacheClassPath(version = apacheVersion) {
  requireJava()
  const complete = join(apacheCache(version), '.complete')
  const lib = join(apacheCache(version), 'lib')
  if (!existsSync(complete)) {
    requireTool('mvn', ['-v'], "to fetch Apache's jars", 'Install Maven 3.8 or later.')
    mkdirSync(lib, { recursive: true })
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${lib}`]
    const pom = join(here, isVersion4(version) ? 'pom-4.xml' : 'pom.xml')
    runToEnd('mvn', ['-q', '-B', '-f', pom, `-Drocketmq.version=${version}`, ...goal])
    writeFileSync(complete, '')
  }
  return readdirSync(lib)
    .filter((name) => name.endsWith('.jar'))
    .map((name) => join(lib, name))
    .join(delimiter)
}

const isVersion4 = (version) => version.startsWith('4.')

/**
 * Arguments for `java` that run a main class. `home` takes the logs and whatever Apache's programs
 * write under the user's home directory; `before` goes on the class path ahead of the jars.
 */
export function javaArguments({
  mainClass,
  args = [],
  home,
  heapMiB = 256,
  properties = {},
  before,
  version = apacheVersion,
}) {
  const classPath = apacheClassPath(version)
  return [
    `-Xmx${heapMiB}m`,
    ...javaOpens,
    `-Duser.home=${home}`,
    `-Drocketmq.home.dir=${home}`,
    ...Object.entries(properties).map(([key, value]) => `-D${key}=${value}`),
    '-cp',
    before === undefined ? classPath : before + delimiter + classPath,
    mainClass,
    ...args,
  ]
}

/** Starts a server program in `dir` and waits until it listens on `port`. */
async function startServer({ dir, port, mainClass, args, heapMiB, version = apacheVersion }) {
  mkdirSync(join(dir, 'conf'), { recursive: true })
  if (isVersion4(version)) writeLogback(dir)
  // The whole heap from the start, as Apache's own scripts have it.
  const properties = { 'com.rocketmq.remoting.client.close.timeout': '1000' }
  const java = javaArguments({ mainClass, args, home: dir, heapMiB, properties, version })
  const started = startProcess('java', [`-Xms${heapMiB}m`, '-XX:MaxDirectMemorySize=2g', ...java], {
    logFile: join(dir, 'out.log'),
    env: { ...process.env, ROCKETMQ_HOME: dir },
  })
  await waitListening(port, started)
  return { ...started, port, address: `127.0.0.1:${port}` }
}

/** Version 4 does not start without a logging configuration for each program. */
function writeLogback(dir) {
  const appender = `<appender name="F" class="ch.qos.logback.core.FileAppender"><file>${dir}/server.log</file>
<encoder><pattern>%d %p %t - %m%n</pattern></encoder></appender>`
  const text = `<configuration>${appender}<root level="INFO"><appender-ref ref="F"/></root></configuration>`
  for (const name of ['broker', 'namesrv']) {
    writeFileSync(join(dir, 'conf', `logback_${name}.xml`), text)
  }
}

function writeProperties(file, entries) {
  const lines = Object.entries(entries).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(file, lines.join(''))
}

/** Starts a name server that keeps its files in `dir`; resolves once it listens. */
export function startNameServer({ dir, port, settings = {}, version }) {
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'namesrv.conf')
  writeProperties(file, {
    listenPort: port,
    kvConfigPath: join(dir, 'kvConfig.json'),
    configStorePath: join(dir, 'namesrv.properties'),
    ...settings,
  })
  const mainClass = 'org.apache.rocketmq.namesrv.NamesrvStartup'
  return startServer({ dir, port, mainClass, args: ['-c', file], heapMiB: 256, version })
}

/**
 * Starts a broker with its store under `dir`; resolves once the name server has its topics.
 * `settings` are keys of a broker.conf. The ports two below and one above `port` are used too.
 */
export async function startBroker({
  dir,
  port,
  nameServer,
  settings = {},
  heapMiB = 1024,
  version,
}) {
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'broker.conf')
  const all = {
    brokerClusterName: 'DefaultCluster',
    brokerName: 'broker-a',
    brokerId: 0,
    namesrvAddr: nameServer,
    brokerIP1: '127.0.0.1',
    brokerIP2: '127.0.0.1',
    listenPort: port,
    haListenPort: port + 1,
    storePathRootDir: join(dir, 'store'),
    storePathCommitLog: join(dir, 'store', 'commitlog'),
    ...settings,
  }
  writeProperties(file, all)
  const mainClass = 'org.apache.rocketmq.broker.BrokerStartup'
  const args = ['-c', file]
  const broker = await startServer({ dir, port, mainClass, args, heapMiB, version })
  await waitRegistered(nameServer, all.brokerName, broker)
  return broker
}

async function waitRegistered(nameServer, brokerName, watched) {
  const known = async () =>
    (await isRegistered(nameServer, brokerName)) && (await hasRoute(nameServer, brokerName))
  await waitUntil(`${brokerName} known to ${nameServer}`, known, { watched, everyMs: 100 })
}

/** Starts a proxy: gRPC on `port`, remoting on `remotingPort`. */
export function startProxy({ dir, port, remotingPort, nameServer }) {
  mkdirSync(join(dir, 'conf'), { recursive: true })
  const file = join(dir, 'conf', 'rmq-proxy.json')
  const settings = {
    rocketMQClusterName: 'DefaultCluster',
    namesrvAddr: nameServer,
    grpcServerPort: port,
    remotingListenPort: remotingPort,
    localServeAddr: '127.0.0.1',
    enableACL: false,
  }
  writeFileSync(file, JSON.stringify(settings))
  const mainClass = 'org.apache.rocketmq.proxy.ProxyStartup'
  return startServer({ dir, port, mainClass, args: ['-pc', file], heapMiB: 512 })
}

/** Runs one command of mqadmin in a JVM of its own; returns what it printed. */
export function runAdmin({ home, nameServer, args }) {
  const mainClass = 'org.apache.rocketmq.tools.command.MQAdminStartup'
  const [command, ...rest] = args
  const java = javaArguments({ mainClass, args: [command, '-n', nameServer, ...rest], home })
  return runToEnd('java', java)
}

/**
 * One name server and one broker, each a process of its own, with the interface that `skylark.mjs`
 * has too: `nameServer`, `brokerAddress`, `brokerPid()`, `restartBroker(settings)`, `stop()`.
 */
export async function startCluster({ dir, ports, settings = {}, heapMiB, version }) {
  const [nameServerPort, brokerPort] = ports
  const server = await startNameServer({ dir: join(dir, 'namesrv'), port: nameServerPort, version })
  const brokerOf = (changed) =>
    startBroker({
      dir: join(dir, 'broker'),
      port: brokerPort,
      nameServer: server.address,
      settings: { ...settings, ...changed },
      heapMiB,
      version,
    })
  let broker = await brokerOf({})
  return {
    make: 'apache',
    nameServer: server.address,
    brokerAddress: broker.address,
    brokerPid: () => broker.pid,
    async restartBroker(changed = {}, signal = 'SIGTERM') {
      await broker.stop(signal)
      broker = await brokerOf(changed)
    },
    async stop() {
      await broker.stop()
      await server.stop()
    },
  }
}
