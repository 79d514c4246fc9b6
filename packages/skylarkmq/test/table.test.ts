import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import stringWidth from 'fast-string-width'
import { ageText, cellText, timeText } from '../src/output/cells.ts'
import { textOf } from '../src/output/formats.ts'
import { tableText } from '../src/output/table.ts'

interface Row {
  readonly name: string
  readonly count: number
}
const columns = [
  { key: 'name', of: ({ name }: Row) => name },
  { key: 'messageCount', kind: 'count' as const, of: ({ count }: Row) => count },
]

test('columns are as wide as their texts, Chinese ones by the cells they take, and numbers stand on the right', () => {
  const rows = [
    { name: '订单', count: 1234567 },
    { name: 'payments', count: 5 },
  ]
  assert.equal(
    tableText(columns, rows),
    ['NAME      MESSAGE COUNT', '订单          1,234,567', 'payments              5'].join('\n'),
  )
})

test('no line is wider than the terminal as long as each column has eight cells', () => {
  const row = fc.record({ name: fc.string({ maxLength: 300 }), count: fc.nat() })
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 20 }),
      fc.integer({ min: 30, max: 200 }),
      (rows, width) => {
        for (const line of tableText(columns, rows, { width }).split('\n')) {
          assert.ok(stringWidth(line) <= width, JSON.stringify(line))
        }
      },
    ),
  )
})

test('what a server said moves no cursor', async () => {
  const rows = [{ name: 'a\u001b[2Jb\u009b2Jc\nd', count: 1 }]
  for (const format of ['table', 'wide', 'json', 'yaml', 'jsonl', 'name', 'csv'] as const) {
    for (const width of [undefined, 80]) {
      const text = await textOf({ columns, rows }, { format, width, isUtc: true })
      // A file gets what was sent, as its format has it.
      const isFile = width === undefined
      if (!isFile || format !== 'csv') assert.ok(!text.includes('\u001b[2J'), format)
      if (!isFile || !['csv', 'yaml'].includes(format)) assert.ok(!text.includes('\u009b'), format)
    }
  }
})

test('lengths of time are told in two units, times in local time or UTC', () => {
  const texts = [0, 999, 250_000, 7_200_000, 90_061_000].map(ageText)
  assert.deepEqual(texts, ['0s', '1s', '4m10s', '2h', '1d1h'])
  assert.equal(timeText(0, true), '1970-01-01T00:00:00Z')
  assert.match(timeText(0, false), /^19(69|70)-\d\d-\d\d \d\d:\d\d:\d\d$/)
  const cells = [undefined, '', NaN, true, false, [], ['a', 'b'], 1234.5] as const
  assert.deepEqual(
    cells.map((cell) => cellText(cell, 'count')),
    ['–', '–', '–', 'yes', 'no', '–', 'a b', '1,234.5'],
  )
})

test('CSV quotes what has to be', async () => {
  const rows = [{ name: 'a,"b"\nc', count: 1 }]
  const style = { format: 'csv', width: undefined, isUtc: false } as const
  assert.equal(await textOf({ columns, rows }, style), 'name,messageCount\n"a,""b""\nc",1')
})
