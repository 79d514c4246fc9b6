import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The command, bundled. */
export const SKYLARK = fileURLToPath(
  new URL('../../../packages/skylarkmq/dist/skylark.js', import.meta.url),
)

/** What a command left. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command to its end; `input` is what it reads, `variables` are those of the environment besides ours. */
export function skylark(
  args: readonly string[],
  {
    cwd,
    variables = {},
    input = '',
  }: { cwd?: string; variables?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Ended> {
  const options = { cwd, env: { ...process.env, ...variables } }
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [SKYLARK, ...args],
      options,
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
      },
    )
    child.stdin?.end(input)
  })
}
