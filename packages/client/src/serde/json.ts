import type { Serde } from './serde.ts'
import {
  validated,
  type SchemaInput,
  type SchemaOutput,
  type StandardSchema,
} from './standard-schema.ts'

/**
 * Bodies that are JSON. With a schema each value is validated before it is sent and after it was received; without one
 * the type is taken on trust.
 *
 * A schema may take one thing and make another of it, by defaults and transforms. A producer is given what it takes, and that
 * is what goes over the wire, as it was given; who receives it has the schema make of it what its handler gets. The schema
 * has to take what JSON makes of a value: of a Date that is text.
 *
 * ```ts
 * const serde = json(z.object({ id: z.number(), count: z.number().default(1) }))
 * ```
 */
export function json<S extends StandardSchema>(schema: S): Serde<SchemaOutput<S>, SchemaInput<S>>
/** As above, for a type that is named: `json<Order>()`. */
export function json<T>(schema?: StandardSchema<unknown, T>): Serde<T>
export function json<T>(schema?: StandardSchema<unknown, T>): Serde<T> {
  if (schema === undefined) {
    return { encode: (value) => encoded(value), decode: (body) => JSON.parse(body.toString()) as T }
  }
  // A value that goes out is written as it was given: what the schema makes of it is made where it is received.
  return {
    encode: async (value) => {
      await validated(schema, value)
      return encoded(value)
    },
    decode: (body) => validated(schema, JSON.parse(body.toString())),
  }
}

function encoded(value: unknown): string {
  const body = JSON.stringify(value) as string | undefined
  if (body === undefined) throw new Error('the value has no form in JSON')
  return body
}
