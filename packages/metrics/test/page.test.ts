import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram, nodeEnv, silentEvents } from '@skylarkmq/env'
import { labels, single, type Collector, type Family, type Sample } from '../src/family.ts'
import { writePage } from '../src/page.ts'

const { clock } = nodeEnv(silentEvents)

async function pageOf(families: readonly Family[], seriesMax = 100): Promise<string> {
  let page = ''
  const write = (text: string): void => {
    page += text
  }
  await writePage([() => families], { clock, seriesMax, common: 'node="n"', write })
  return page
}

function gauge(name: string, samples: readonly Sample[]): Family {
  return { name, type: 'gauge', help: 'Help.', samples }
}

test('a family is its help, its type and its series; one without series is not there', async () => {
  const page = await pageOf([
    gauge('a', [
      ['x="1"', 2],
      ['', 0.5],
    ]),
    gauge('b', []),
    single('c_total', 'counter', 'two\nlines \\', 'y="2"', Infinity),
  ])
  assert.equal(
    page,
    [
      '# HELP a Help.',
      '# TYPE a gauge',
      'a{x="1"} 2',
      'a 0.5',
      '# HELP c_total two lines \\\\',
      '# TYPE c_total counter',
      'c_total{y="2"} +Inf',
      '',
    ].join('\n'),
  )
})

test('the buckets of a histogram add up, with bounds as Apache writes them, and may be scaled', async () => {
  const times = new Histogram([1, 2.5, 1000])
  for (const value of [1, 2, 3, 5000]) times.observe(value)
  const samples: Sample[] = [['x="1"', times]]
  const plain = await pageOf([{ name: 'h', type: 'histogram', help: '', samples }])
  assert.deepEqual(plain.split('\n').slice(2, -1), [
    'h_bucket{x="1",le="1.0"} 1',
    'h_bucket{x="1",le="2.5"} 2',
    'h_bucket{x="1",le="1000.0"} 3',
    'h_bucket{x="1",le="+Inf"} 4',
    'h_sum{x="1"} 5006',
    'h_count{x="1"} 4',
  ])
  const bare = new Histogram([1, 2.5])
  bare.observe(2)
  const scaled = await pageOf([
    { name: 's', type: 'histogram', help: '', samples: [['', bare]], scale: 0.001 },
  ])
  assert.deepEqual(scaled.split('\n').slice(2, -1), [
    's_bucket{le="0.001"} 0',
    's_bucket{le="0.0025"} 1',
    's_bucket{le="+Inf"} 1',
    's_sum 0.002',
    's_count 1',
  ])
})

test('whatever a label holds, it stays within its quotes and its line', () => {
  assert.equal(
    labels({ a: 'x"y', b: 'back\\slash', c: '1\n2' }),
    'a="x\\"y",b="back\\\\slash",c="1\\n2"',
  )
  assert.equal(labels({ a: 'bell\u0007\u007f', b: true }, 'z="0"'), 'z="0",a="bell  ",b="true"')
  assert.equal(labels({ a: '%RETRY%g|t', b: '主题' }), 'a="%RETRY%g|t",b="主题"')
})

test('series beyond the limit of their name are summed up in one, and it is said how many they are', async () => {
  const many = Array.from({ length: 5 }, (_, i): Sample => [labels({ i: String(i) }), i])
  const counted = (i: number): Histogram => {
    const histogram = new Histogram([2])
    histogram.observe(i)
    return histogram
  }
  const times = many.map(([of], i): Sample => [of, counted(i)])
  const page = await pageOf(
    [gauge('a', many), { name: 'h', type: 'histogram', help: '', samples: times }, gauge('b', [])],
    2,
  )
  const lines = page.split('\n')
  assert.deepEqual(
    lines.filter((line) => line.startsWith('a')),
    ['a{i="0"} 0', 'a{i="1"} 1', 'a{node="n",otel_metric_overflow="true"} 9'],
  )
  assert.ok(lines.includes('h_bucket{node="n",otel_metric_overflow="true",le="2.0"} 1'))
  assert.ok(lines.includes('h_count{node="n",otel_metric_overflow="true"} 3'))
  assert.deepEqual(
    lines.filter((line) => line.startsWith('skylark_metrics_series_left_out')),
    ['a', 'h'].map((name) => `skylark_metrics_series_left_out{node="n",family="${name}"} 3`),
  )
})

test('a page that takes long is written in turns, and waits for its reader', async () => {
  let turns = 0
  let isWriting = true
  const count = (): void => {
    turns++
    if (isWriting) setImmediate(count)
  }
  setImmediate(count)
  let pieces = 0
  const write = async (text: string): Promise<void> => {
    assert.ok(text.length < 256 * 1024, `a piece of ${text.length}`)
    const before = turns
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(turns > before)
    pieces++
  }
  const long = 'x'.repeat(1000)
  const collect: Collector = async function* (of) {
    await of.next()
    yield gauge(
      'a',
      Array.from({ length: 2000 }, (_, i): Sample => [labels({ i: `${long}${i}` }), 1]),
    )
  }
  await writePage([collect], { clock, seriesMax: 10_000, common: '', write })
  isWriting = false
  assert.ok(pieces > 20, `${pieces} pieces`)
})

test('what a reader throws ends the page', async () => {
  const write = (): Promise<void> => Promise.reject(new Error('gone'))
  const options = { clock, seriesMax: 10, common: '', write }
  await assert.rejects(writePage([() => [gauge('a', [['', 1]])]], options), /gone/)
})
