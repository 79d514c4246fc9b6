import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { playScript, readScript, scriptText } from './script.ts'

// From dist to the sources, where the scripts are.
const folder = fileURLToPath(new URL('../../simulation/scripts/', import.meta.url))

for (const name of readdirSync(folder)) {
  test(`what happens in ${name} is what stands there`, async () => {
    const text = readFileSync(path.join(folder, name), 'utf8')
    const script = readScript(text)
    assert.ok(script.why.length > 0 && script.steps.length > 2)
    const played = scriptText(await playScript(script))
    assert.equal(played, text, 'npm run sim -- --scripts --rewrite writes down what happens now')
  })
}
