/** What went wrong at one place of a value. */
export interface SchemaIssue {
  /** For people. */
  readonly message: string
  /** Where in the value; the whole of it without. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema says of a value. */
export type SchemaResult<T> =
  { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

/**
 * A schema of any library that follows Standard Schema (https://standardschema.dev): zod, valibot, arktype, …
 * Declared here, so that none of them is a dependency.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What the specification says. */
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What a schema makes of a value. */
export type SchemaOutput<S> = S extends StandardSchema<unknown, infer T> ? T : never

/** What a schema takes; where it does not say, what it makes of it. */
export type SchemaInput<S> =
  S extends StandardSchema<infer In> ? (unknown extends In ? SchemaOutput<S> : In) : never

/** The value as the schema gives it. Rejects with an Error that names each place and what is wrong there. */
export async function validated<T>(schema: StandardSchema<unknown, T>, value: unknown): Promise<T> {
  const result = await schema['~standard'].validate(value)
  if (result.issues === undefined) return result.value
  throw new Error(result.issues.map(issueText).join('; '))
}

function issueText({ message, path = [] }: SchemaIssue): string {
  const at = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
  return at === '' ? message : `${at}: ${message}`
}
