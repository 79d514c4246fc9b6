// What .ci/run does first where it may: installs the databases that tests of packages/idempotent and npm run effects want.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'

/** Debian's packages, and a program of each. */
const DATABASES = [
  ['postgresql', ['postgres']],
  ['redis-server', ['redis-server']],
  ['mariadb-server', ['mariadbd', 'mysqld']],
]
const POSTGRES = '/usr/lib/postgresql'
/** So long apt-get may take in all, ms; a network that answers nothing must not hold up what can be tested. */
const LIMIT_MS = 240_000
/** Says to Debian's packages whether they may start what they install. */
const POLICY = '/usr/sbin/policy-rc.d'

/** The packages that are missing. */
export function missingDatabases() {
  const versions = existsSync(POSTGRES) ? readdirSync(POSTGRES) : []
  const folders = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin']
  folders.push(...versions.map((version) => `${POSTGRES}/${version}/bin`))
  const isThere = (program) => folders.some((folder) => existsSync(`${folder}/${program}`))
  return DATABASES.filter(([, programs]) => !programs.some(isThere)).map(([name]) => name)
}

/**
 * Installs what is missing, in CI and as root, from Debian's or Ubuntu's packages, and starts none of it. Says what it could not; that is
 * no failure: the tests say what they leave out.
 */
export function installDatabases() {
  const missing = missingDatabases()
  if (missing.length === 0) return
  const isAllowed = Boolean(process.env.CI) && process.getuid?.() === 0
  if (!isAllowed || !existsSync('/usr/bin/apt-get')) {
    console.log(`not installed: ${missing.join(', ')}; their tests are left out`)
    return
  }
  const endsMs = Date.now() + LIMIT_MS
  const isOwnPolicy = !existsSync(POLICY)
  if (isOwnPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    aptGet(endsMs, 'update')
    for (const name of missing) aptGet(endsMs, 'install', '--no-install-recommends', name)
  } finally {
    if (isOwnPolicy) rmSync(POLICY, { force: true })
  }
  const still = missingDatabases()
  for (const name of missing) {
    console.log(still.includes(name) ? `${name} could not be installed` : `installed ${name}`)
  }
}

function aptGet(endsMs, ...args) {
  const leftMs = endsMs - Date.now()
  if (leftMs <= 0) return
  const patience = ['-o', 'Acquire::http::Timeout=20', '-o', 'Acquire::Retries=1']
  spawnSync('apt-get', ['-qq', '-y', ...patience, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: leftMs,
  })
}
