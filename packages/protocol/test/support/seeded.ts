import fc from 'fast-check'

const SEED = 20260

/** Parameters of a property: a fixed seed, which a failure prints, and a number of runs. */
export function seeded(numRuns = 200): fc.Parameters<unknown> {
  return { seed: SEED, numRuns, verbose: fc.VerbosityLevel.Verbose }
}

/** Text without half surrogates, control characters and quotes included. */
export const anyText = (maxLength = 24): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.oneof(
      fc.constantFrom('\x01', '\x02', '"', '\\', '\n', 'é', '消', '😀'),
      fc.string({ minLength: 1, maxLength: 1 }),
    ),
    maxLength,
  })

/** A property's name or value: text that is not empty and has no separators. */
export const propertyPart = fc.string({
  unit: fc.constantFrom('a', 'B', '7', ' ', 'é', '消', '😀', '"', '\\', '='),
  minLength: 1,
  maxLength: 12,
})
