// npm run conformance:apache-tests -- --source DIR [--only TEXT]: Apache's own integration tests against three brokers of
// ours. DIR is a checkout of apache/rocketmq at the tag of `apacheVersion`; nothing in it is changed.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { apacheCache, apacheClassPath, apacheVersion } from './apache/apache.mjs'
import {
  choosePorts,
  endOf,
  requireTool,
  runToEnd,
  scratchDirectory,
  startProcess,
  tailOf,
} from './lib/processes.mjs'
import { startBroker, startNameServer } from './skylark.mjs'

const { values: options } = parseArgs({
  options: { source: { type: 'string' }, only: { type: 'string', default: '' } },
})
const here = path.dirname(fileURLToPath(import.meta.url))
const TEST_LIMIT_MS = 240_000
const IN_TESTS = 'org/apache/rocketmq/test'

/** What is left out of Apache's tests, and why. */
const leftOut = {
  'container/': 'tests of the broker container, inside its process',
  'dledger/': 'tests of DLedger, inside the broker',
  'autoswitchrole/': 'tests of the controller, inside the broker',
  'grpc/': 'need a proxy',
  'statictopic/': 'static topics are not served',
  'client/consumer/pop/': 'POP is not served',
  'retry/PopConsumerRetryIT': 'POP is not served',
  'offset/OffsetResetForPopIT': 'POP is not served',
  'offset/LagCalculationIT': 'asks objects inside the broker',
  'offset/OffsetNotFoundIT': 'registers a hook inside the broker',
  'offset/OffsetResetIT': 'asks objects inside the broker',
  'recall/': 'POP is not served',
  'route/': 'changes objects inside the broker',
  'tls/': 'the ports take no TLS',
  'lmq/': 'tests inside the broker',
}

/** As Apache's tests set up their own brokers. */
const settings = {
  brokerClusterName: 'DefaultCluster',
  enablePropertyFilter: true,
  recallMessageEnable: true,
  loadBalancePollNameServerInterval: 500,
  mappedFileSizeCommitLog: 100 * 1024 * 1024,
  maxIndexNum: 1000,
  maxHashSlotNum: 4000,
  maxTransferCountOnMessageInMemory: 1024,
  maxTransferCountOnMessageInDisk: 1024,
}

if (options.source === undefined || !existsSync(path.join(options.source, 'test/src/test/java'))) {
  console.error(
    `Give a checkout of apache/rocketmq, tag rocketmq-all-${apacheVersion}: npm run conformance:apache-tests -- --source DIR`,
  )
  process.exit(2)
}
const scratch = scratchDirectory('apache-tests')
try {
  const classPath = compile(options.source, scratch.path)
  process.exitCode = await runAll(classPath, scratch.path)
} finally {
  scratch.remove()
}

/** Compiles the tests with their cluster replaced by the one that runs here. Returns the class path. */
function compile(source, directory) {
  requireTool('javac', ['-version'], "to compile Apache's tests", 'Install a JDK of 17 or later.')
  const sources = path.join(directory, 'src')
  for (const part of ['main', 'test']) {
    cpSync(path.join(source, 'test/src', part, 'java'), sources, { recursive: true })
  }
  const tests = path.join(sources, IN_TESTS)
  for (const name of Object.keys(leftOut)) {
    const file = path.join(tests, name)
    rmSync(name.endsWith('/') ? file : `${file}.java`, { recursive: true, force: true })
  }
  edit(path.join(tests, 'base/BaseConf.java'), (text) =>
    text.replace(
      /namesrvController = IntegrationTestBase[^]*?(?=initMQAdmin\(NAMESRV_ADDR\))/,
      `NAMESRV_ADDR = System.getProperty("skylark.nameServer");
       CLUSTER_NAME = "${settings.brokerClusterName}";
       BROKER1_NAME = "${brokerName(1)}"; BROKER2_NAME = "${brokerName(2)}"; BROKER3_NAME = "${brokerName(3)}";
       brokerControllerList = ImmutableList.of();
       brokerControllerMap = new java.util.HashMap<>();
      `,
    ),
  )
  for (const file of javaFiles(tests)) {
    edit(file, (text) =>
      text
        .replaceAll('brokerController1.getBrokerAddr()', 'System.getProperty("skylark.broker")')
        // They look inside the broker or change it.
        .replaceAll(/^.*Assert.*brokerController.*$/gm, '')
        .replaceAll(/^.*resetStoreConfigWith\w+\(true\);/gm, 'if (true) return;'),
    )
  }
  const jars = [apacheClassPath(), testLibraries()].join(delimiter)
  const classes = path.join(directory, 'classes')
  mkdirSync(classes)
  const list = path.join(directory, 'sources.txt')
  writeFileSync(list, javaFiles(sources).join('\n'))
  runToEnd('javac', ['-nowarn', '-encoding', 'UTF-8', '-d', classes, '-cp', jars, `@${list}`])
  return [classes, jars].join(delimiter)
}

function brokerName(number) {
  return `TestBrokerName_${number}`
}

function edit(file, change) {
  writeFileSync(file, change(readFileSync(file, 'utf8')))
}

function javaFiles(directory) {
  return readdirSync(directory, { recursive: true })
    .filter((name) => name.endsWith('.java'))
    .map((name) => path.join(directory, name))
}

/** Fetches what Apache's tests are written with, once. */
function testLibraries() {
  const lib = path.join(apacheCache(), 'test-lib')
  if (!existsSync(lib)) {
    requireTool('mvn', ['-v'], 'to fetch test libraries', 'Install Maven 3.8 or later.')
    const pom = path.join(here, 'apache/pom-tests.xml')
    runToEnd('mvn', [
      '-q',
      '-B',
      '-f',
      pom,
      'dependency:copy-dependencies',
      `-DoutputDirectory=${lib}`,
    ])
  }
  const jars = readdirSync(lib).filter((name) => name.endsWith('.jar'))
  return jars.map((name) => path.join(lib, name)).join(delimiter)
}

/** Runs each class in a Java of its own, against one cluster. Returns the exit code. */
async function runAll(classPath, directory) {
  const [nameServerPort, ...ports] = await choosePorts(4)
  const nameServer = await startNameServer({
    dir: path.join(directory, 'ns'),
    port: nameServerPort,
  })
  const brokers = []
  const counts = { passed: 0, failed: 0 }
  try {
    for (const [i, port] of ports.entries()) {
      const name = brokerName(i + 1)
      const all = { ...settings, brokerName: name }
      const dir = path.join(directory, name)
      brokers.push(await startBroker({ dir, port, nameServer: nameServer.address, settings: all }))
    }
    for (const [what, why] of Object.entries(leftOut)) console.log(`left out  ${what}: ${why}`)
    const properties = [
      `-Dskylark.nameServer=${nameServer.address}`,
      `-Dskylark.broker=${brokers[0].address}`,
    ]
    for (const name of testClasses(directory)) {
      if (!name.includes(options.only)) continue
      const { passed, failed, text } = await runClass(name, classPath, directory, properties)
      counts.passed += passed
      counts.failed += failed
      console.log(
        `${failed === 0 ? 'ok      ' : 'NOT OK  '}  ${name} (${passed}${failed ? `, ${failed} failed` : ''})`,
      )
      if (failed > 0) console.log(text)
    }
  } finally {
    for (const started of [...brokers, nameServer]) await started.stop()
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`)
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1
}

function testClasses(directory) {
  const sources = path.join(directory, 'src')
  return javaFiles(path.join(sources, IN_TESTS))
    .filter((file) => file.endsWith('IT.java'))
    .map((file) => path.relative(sources, file).slice(0, -'.java'.length).split(path.sep).join('.'))
    .sort()
}

async function runClass(name, classPath, directory, properties) {
  const logFile = path.join(directory, `${name}.log`)
  const home = `-Duser.home=${path.join(directory, 'home')}`
  const main = [
    '-Xmx512m',
    ...properties,
    home,
    '-cp',
    classPath,
    'org.junit.runner.JUnitCore',
    name,
  ]
  const started = startProcess('java', main, { logFile, env: process.env, cwd: directory })
  const timer = setTimeout(() => void started.stop('SIGKILL'), TEST_LIMIT_MS)
  await started.ended
  clearTimeout(timer)
  const text = endOf(logFile)
  const good = /^OK \((\d+) tests?\)/m.exec(text)
  if (good !== null) return { passed: Number(good[1]), failed: 0, text: '' }
  const bad = /^Tests run: (\d+),  Failures: (\d+)/m.exec(text)
  const run = Number(bad?.[1] ?? 1)
  const failed = Number(bad?.[2] ?? 1)
  return { passed: run - failed, failed, text: failuresIn(text) ?? tailOf(logFile) }
}

/** What JUnit says of its failures, without the depths of the stacks. */
function failuresIn(text) {
  const start = text.indexOf('There w')
  if (start < 0) return undefined
  const lines = text.slice(start).split('\n')
  return lines.filter((line) => !/^\s+at (?!org\.apache\.rocketmq\.test)/.test(line)).join('\n')
}
