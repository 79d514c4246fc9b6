// npm start [-- FLAGS]: installs and builds what is missing, then runs `skylark start FLAGS`.
import { buildIfChanged, checkNode, installIfMissing } from './prepare.mjs'

checkNode()
try {
  installIfMissing()
  await buildIfChanged()
} catch (error) {
  console.error(
    error.status === undefined
      ? error
      : 'Skylark could not be installed or built; the lines above say why.',
  )
  process.exit(1)
}
// The command runs in this process: no second Node has to start.
process.argv = [process.argv[0], 'skylark', 'start', ...process.argv.slice(2)]
await import('../packages/skylarkmq/bin/skylark.js')
