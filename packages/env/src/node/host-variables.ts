/** A variable of the environment of this process; undefined when it is not set. */
export function hostVariable(name: string): string | undefined {
  return process.env[name]
}
