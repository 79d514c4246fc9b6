// npm run fuzz [-- SEED [COUNT]]: random and mutated frames, a million unless told otherwise, first through the
// decoder, then requests of any shape for every row of broker and name server, without sockets, and over sockets into a
// running server that has to serve others all the while.
import { checkNode, installIfMissing, buildIfChanged } from './prepare.mjs'

checkNode()
installIfMissing()
await buildIfChanged()
const seed = Number(process.argv[2] ?? 1)
const count = Number(process.argv[3] ?? 1_000_000)
console.log(`seed ${seed}, ${count} frames (again: npm run fuzz -- ${seed} ${count})`)
const { fuzzFrames } = await import('../packages/protocol/dist/test/frame.fuzz.js')
console.log('decoder:', JSON.stringify(fuzzFrames(seed, count)))
const { fuzzRequests, tell } = await import('../test/fuzz/fuzz-requests.mjs')
const isWell = tell(await fuzzRequests(seed, count))
const { fuzzServer } = await import('./fuzz-server.mjs')
console.log('server: ', JSON.stringify(await fuzzServer(seed, Math.ceil(count / 10))))
if (!isWell) process.exitCode = 1
