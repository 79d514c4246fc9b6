#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`skylark needs Node.js 20.19 or later; this is ${process.versions.node}`)
  process.exit(1)
}
try {
  await import('../dist/skylark.js')
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error
  console.error('skylark is not built yet: run `npm run build` in the clone first')
  process.exit(1)
}
